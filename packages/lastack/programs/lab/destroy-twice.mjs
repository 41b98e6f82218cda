// The same with Node's sockets: they know that they are closed, so nobody else is hit.
import { once } from 'node:events';
import { connect } from 'node:net';

const port = Number(process.argv[2]);

async function open() {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const first = await open();
first.destroy();
await once(first, 'close');
const second = await open();
first.destroy();
first.write('for the first', ({ code }) => console.log('write after close', code));
second.write('hello\n');
const [data] = await once(second, 'data');
console.log('the second received:', String(data).trim());
second.destroy();
console.log('ready');
setInterval(() => {}, 60_000);
