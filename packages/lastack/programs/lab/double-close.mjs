// Fault: a descriptor is closed twice. In between another connection got its number, and the second close ends that one.
// With --use, what is written to the closed descriptor goes to the other connection's peer.
import { createRequire } from 'node:module';

const { close, connectTo, receive, send, tcpSocket } = createRequire(import.meta.url)('./libc.cjs');
const port = Number(process.argv[2]);

function open() {
  const fd = tcpSocket();
  connectTo(fd, port);
  return fd;
}

const first = open();
close(first);
const second = open();
console.log(first === second ? 'the number is used again' : 'another number');
if (process.argv.includes('--use')) {
  send(first, 'for the first');
  console.log('the second received:', receive(second));
  close(second);
} else {
  close(first);
  try {
    send(second, 'hello\n');
  } catch ({ code }) {
    console.log('send on the second', code);
  }
}
console.log('ready');
setInterval(() => {}, 60_000);
