// Fault: none. A Node server that echoes and closes with its clients. The doctor says nothing.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);

createServer((socket) => {
  // A client that resets its connection is its own business; Node closes the socket.
  socket.on('error', () => {});
  socket.pipe(socket);
}).listen({ port, host: '0.0.0.0', backlog: 4096 }, () => console.log('ready', port));
