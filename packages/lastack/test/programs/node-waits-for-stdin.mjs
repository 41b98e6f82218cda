// Fault: the handler asks the operator on standard input and waits for the answer: the event loop stands still.
// The doctor says: close-wait-leak, blocked-elsewhere.
import { readSync } from 'node:fs';
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const isHealthy = process.argv.includes('--healthy');

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', () => {
    if (!isHealthy) readSync(0, Buffer.alloc(16));
    socket.write('done\n');
  });
});
server.listen(port, '0.0.0.0', () => console.log('ready', port));
