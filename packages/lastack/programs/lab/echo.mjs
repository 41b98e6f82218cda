// A server without a fault: it echoes, and closes when its client has.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);

const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
