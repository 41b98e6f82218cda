// The other end, by node:net alone. Reads unless it is `paused`; sends `sends` bytes; obeys commands and counts.
import net from 'node:net';
import { createInterface } from 'node:readline';
import tls from 'node:tls';

const { role, host, keys, paused, sends } = JSON.parse(process.argv[2]);
const PORT = 7000;
let received = 0;
let ended = false;
let closed = false;
let socket;
let below;

const say = (line) => console.log(JSON.stringify(line));

function use(connection) {
  socket = connection;
  socket.on('error', () => {});
  socket.on('close', () => (closed = true));
  socket.on('end', () => (ended = true));
  socket.on('data', (chunk) => (received += chunk.length));
  if (paused) socket.pause();
  if (sends > 0) socket.write(Buffer.alloc(sends, 's'));
  say({ connected: true });
}

if (role === 'server') {
  const server = keys ? tls.createServer(keys, use) : net.createServer(use);
  server.on('connection', (raw) => (below = raw));
  server.listen(PORT, '0.0.0.0', () => say({ listening: true }));
} else {
  below = net.connect(PORT, host, () => {
    if (!keys) use(below);
    else {
      const secure = tls.connect({ socket: below, rejectUnauthorized: false }, () => use(secure));
    }
  });
}

for await (const command of createInterface(process.stdin)) {
  if (command === 'close') socket.end();
  if (command === 'reset') below.resetAndDestroy();
  if (command === 'resume') socket.resume();
  if (command === 'count') say({ received, ended, closed });
}
process.exit();
