// A server that greets and closes, as finger, daytime and many an HTTP server do.
// Arguments: PORT [MS until it closes]
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const afterMs = Number(process.argv[3] ?? 0);

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.resume();
  socket.write('goodbye\n');
  setTimeout(() => socket.destroySoon(), afterMs);
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
