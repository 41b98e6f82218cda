// The server of `lastack demo`. It reads once and never closes; with --fixed it closes when its peer has.
import net from 'node:net';

const kept = [];
const fixed = process.argv.includes('--fixed');

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  kept.push(socket);
  socket.once('data', () => socket.write('welcome\n'));
  socket.resume();
  socket.on('error', () => socket.destroy());
  if (fixed) socket.on('end', () => socket.end());
});

server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
// Whoever started us has gone: so do we.
process.stdin.on('end', () => process.exit()).resume();
