// Fault: a client waits in recv(2) for an answer, without a time-out and without keepalive. Node itself never blocks so.
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';

const { connectTo, receive, send, tcpSocket } = createRequire(import.meta.url)('./libc.cjs');

const fd = tcpSocket();
connectTo(fd, Number(process.argv[2]));
send(fd, 'hello\n');
console.log('ready');
// Once "ready" is written.
await delay(1);
receive(fd);
