// Fault: the handler runs a command that does not end, and waits for it: the event loop stands still.
// The doctor says: close-wait-leak, blocked-elsewhere.
import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const isHealthy = process.argv.includes('--healthy');

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', () => {
    spawnSync('sleep', [isHealthy ? '0' : '3600']);
    socket.write('done\n');
  });
});
server.listen(port, '0.0.0.0', () => console.log('ready', port));
