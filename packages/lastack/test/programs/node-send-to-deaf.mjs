// Fault: the server queues a large answer for a client that does not read, and gives up on nobody.
// The doctor says: send-stuck.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const downloads = new Map();

const server = createServer((socket) => {
  downloads.set(socket.remotePort, socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => downloads.delete(socket.remotePort));
  socket.once('data', () => socket.end(Buffer.alloc(20_000_000)));
});
server.listen(port, '0.0.0.0', () => console.log('ready', port));
