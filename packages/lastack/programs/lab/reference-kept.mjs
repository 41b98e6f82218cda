// Fault: connections are put aside until there is time for them, and forgotten: nobody reads them, so nobody learns that the
// clients have gone.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const isFixed = process.argv.includes('--fixed');
const later = new Map();

const server = createServer({ pauseOnConnect: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  later.set(socket.remotePort, socket);
  if (!isFixed) return;
  socket.on('close', () => later.delete(socket.remotePort));
  socket.resume();
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
