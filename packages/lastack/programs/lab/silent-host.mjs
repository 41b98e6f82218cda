// A host that nothing comes back from: it listens, and no SYN gets through to it.
import { createRequire } from 'node:module';

const { bindTo, deafen, listen, tcpSocket } = createRequire(import.meta.url)('./libc.cjs');

const listener = tcpSocket();
bindTo(listener, Number(process.argv[2]));
deafen(listener);
listen(listener, 16);
console.log('ready');
setInterval(() => {}, 60_000);
