// Fault: with allowHalfOpen Node leaves the last word to the program, which never ends its sockets and keeps them in a Map.
// The doctor says: close-wait-leak, eof-ignored.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const isHealthy = process.argv.includes('--healthy');
const connections = new Map();

const server = createServer({ allowHalfOpen: true }, (socket) => {
  const name = `${socket.remoteAddress}:${socket.remotePort}`;
  connections.set(name, socket);
  socket.on('data', () => {});
  if (isHealthy) socket.on('end', () => socket.end());
  socket.on('close', () => connections.delete(name));
});
server.listen(port, '0.0.0.0', () => console.log('ready', port));
