// Fault: the server sends a large answer to a client that does not read, in a send(2) without a time-out.
// With --small the answer fits the buffers.
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';

const { accept, bindTo, listen, send, tcpSocket } = createRequire(import.meta.url)('./libc.cjs');
const bytes = process.argv.includes('--small') ? 1000 : 50_000_000;

const listener = tcpSocket();
bindTo(listener, Number(process.argv[2]));
listen(listener, 16);
console.log('ready');
// Once "ready" is written.
await delay(1);
const connection = accept(listener);
for (let sent = 0; sent < bytes;) sent += send(connection, 'x'.repeat(Math.min(bytes, 65_536)));
setInterval(() => {}, 60_000);
