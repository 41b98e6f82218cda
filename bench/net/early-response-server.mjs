// Answers every upload with a 413 before it has read it: `early-response-server.mjs SERVER BYTES`.
import { createServer } from 'node:http';
import { gracefulServer, lingeringClose } from '../../packages/net/dist/index.mjs';

const [kind, bytes] = process.argv.slice(2);
const server = createServer((_request, response) => {
  if (kind === 'lingeringClose()') lingeringClose(response);
  response.writeHead(413, { Connection: 'close' });
  response.end('x'.repeat(Number(bytes)));
});
if (kind === 'gracefulServer()') gracefulServer(server);
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
