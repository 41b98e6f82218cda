// Fault: the server listens, then looks for the end of its journal in a loop that a missing line break keeps going: the kernel
// completes connections that nobody accepts.
// The doctor says: accept-backlog-stalled (the CLOSE-WAITs among them have no descriptor yet).
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const isHealthy = process.argv.includes('--healthy');
const journal = isHealthy ? 'opened\n' : 'opened';

function endOf(text) {
  let end = 0;
  while (text.at(end) !== '\n') end = (end + 1) % text.length;
  return end;
}

const server = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
server.listen(port, '0.0.0.0', () => {
  console.log('ready', port);
  setTimeout(() => endOf(journal), 10);
});
