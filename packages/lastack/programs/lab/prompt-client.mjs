// Fault: the client asks its user for the next command and waits for the answer: it does not look at the connection meanwhile.
// With --notices it reads both as they come, and says that the server has left.
import { readSync } from 'node:fs';
import { connect } from 'node:net';

const port = Number(process.argv[2]);
const notices = process.argv.includes('--notices');

const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
socket.on('error', () => socket.destroy());
socket.once('data', () => {
  console.log('ready');
  if (notices) process.stdin.on('data', (command) => socket.write(command));
  else socket.write(prompt());
});
if (notices) {
  socket.on('end', () => {
    console.log('the server has left');
    socket.end();
  });
  setInterval(() => {}, 60_000);
}

function prompt() {
  const line = Buffer.alloc(80);
  return line.subarray(0, readSync(0, line));
}
