// A client that makes a connection for each request and closes it first, one after the other, to one server.
// Arguments: PORT REQUESTS [SOURCES: how many addresses it connects from] [MS between requests] [--keep-alive: one connection]
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const [port, requests, sources = 1, pauseMs = 0] = process.argv
  .slice(2)
  .filter((word) => !word.startsWith('--'))
  .map(Number);
const keepsAlive = process.argv.includes('--keep-alive');

async function open(i) {
  const localAddress = `127.0.0.${1 + (i % sources)}`;
  const socket = connect({ port, host: '127.0.0.1', ...(sources > 1 && { localAddress }) });
  await once(socket, 'connect');
  return socket;
}

async function ask(socket) {
  socket.write('hello\n');
  await once(socket, 'data');
}

async function close(socket) {
  socket.end().resume();
  await once(socket, 'close');
}

let done = 0;
try {
  const kept = keepsAlive ? await open(0) : null;
  for (; done < requests; done++) {
    const socket = kept ?? (await open(done));
    await ask(socket);
    if (kept === null) await close(socket);
    await delay(pauseMs);
  }
  console.log('answered', done);
} catch ({ code }) {
  console.log('error', code);
}
console.log('ready');
setInterval(() => {}, 60_000);
