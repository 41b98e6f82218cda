// A server with keepalive: the kernel finds out that a client has vanished, and drops the connection. With --unread the program
// never looks at its connections, so it does not learn of that, and their descriptors stay open.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const sessions = new Set();

const server = createServer({ pauseOnConnect: true }, (socket) => {
  sessions.add(socket);
  if (!process.argv.includes('--none')) socket.setKeepAlive(true, 1000);
  if (process.argv.includes('--unread')) return;
  socket.on('error', ({ code }) => console.log('error', code));
  socket.on('close', () => sessions.delete(socket));
  socket.resume();
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
