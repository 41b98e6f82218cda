// A web server that is as slow as it is told.
// Arguments: PORT no-head|no-body|drip|at-once
import { createServer } from 'node:http';

const [port, manner] = process.argv.slice(2);
const DRIP_MS = 100;

const server = createServer((_, response) => {
  if (manner === 'no-head') return;
  response.writeHead(200, { 'content-length': 1000 });
  if (manner === 'at-once') response.end(Buffer.alloc(1000));
  else response.write('x');
  if (manner !== 'drip') return;
  const timer = setInterval(() => response.write('x'), DRIP_MS);
  response.on('close', () => clearInterval(timer));
});
server.listen(Number(port), '127.0.0.1', () => console.log('ready'));
