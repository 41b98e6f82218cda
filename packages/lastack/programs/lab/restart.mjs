// A server that closes a connection first, ends, and is started again at once: bind(2) meets the TIME-WAIT of that connection.
// Node, Go and Java set SO_REUSEADDR by themselves; with C and Python's socket module it has to be done: --reuse.
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';

const { accept, bindTo, close, listen, reuseAddress, tcpSocket } = createRequire(import.meta.url)(
  './libc.cjs',
);
const port = Number(process.argv[2]);

function start() {
  const listener = tcpSocket();
  if (process.argv.includes('--reuse')) reuseAddress(listener);
  try {
    bindTo(listener, port);
  } catch (error) {
    close(listener);
    throw error;
  }
  listen(listener, 16);
  return listener;
}

const listener = start();
console.log('ready');
// Once "ready" is written.
await delay(1);
const connection = accept(listener);
close(connection);
close(listener);
await delay(500);
try {
  start();
  console.log('restarted');
} catch ({ code }) {
  console.log('refused', code);
}
setInterval(() => {}, 60_000);
