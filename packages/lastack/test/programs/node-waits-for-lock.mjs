// Fault: the handler waits for a lock that another thread never gives back: the event loop stands still.
// The doctor says: close-wait-leak, blocked-elsewhere.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const isHealthy = process.argv.includes('--healthy');
const LOCKED = 1;
const lock = new Int32Array(new SharedArrayBuffer(4));
if (!isHealthy) lock[0] = LOCKED;

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', () => {
    Atomics.wait(lock, 0, LOCKED);
    socket.write('done\n');
  });
});
server.listen(port, '0.0.0.0', () => console.log('ready', port));
