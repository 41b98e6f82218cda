// Fault: the server waits for an empty line that its clients never send. With allowHalfOpen the end of the stream ends nothing
// by itself, and the program does not look for it.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const isFixed = process.argv.includes('--fixed');

const server = createServer({ allowHalfOpen: true }, (socket) => {
  let request = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => {
    request += data;
    if (request.endsWith('\n\n')) socket.end('done\n');
  });
  if (isFixed) socket.on('end', () => socket.end());
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
