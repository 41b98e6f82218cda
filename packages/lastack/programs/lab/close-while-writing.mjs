// Fault: one task writes an answer, another closes the connection before it is out. The client sees an ordinary end, and too
// few bytes.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.resume();
  socket.write(Buffer.alloc(20_000_000));
  // A timer of the housekeeping.
  setTimeout(() => socket.destroy(), 0);
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
