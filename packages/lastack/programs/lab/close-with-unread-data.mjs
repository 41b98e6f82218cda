// Fault: the server refuses an upload without reading it, answers and closes: close(2) with unread data sends a RST in place of
// a FIN, and throws away what was not yet sent of the answer.
// With --fixed it ends its own side, reads what still comes, and closes when the client has.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const isFixed = process.argv.includes('--fixed');
const answer = Buffer.alloc(20_000_000);

function refuse(socket) {
  socket.write(answer);
  socket.destroy();
}

const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  if (isFixed) socket.resume().end(answer);
  else setTimeout(() => refuse(socket), 300);
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
