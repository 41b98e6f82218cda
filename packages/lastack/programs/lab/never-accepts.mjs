// Fault: the server listens and then computes for ever, so the kernel completes connections that nobody accepts.
// Arguments: PORT [BACKLOG] [--fixed]
import { createServer } from 'node:net';

const [port, backlog = 64] = process.argv
  .slice(2)
  .filter((word) => word !== '--fixed')
  .map(Number);
const journal = process.argv.includes('--fixed') ? 'opened\n' : 'opened';

/** A missing line break keeps it going round. */
function endOf(text) {
  let end = 0;
  while (text.at(end) !== '\n') end = (end + 1) % text.length;
  return end;
}

const server = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
server.listen({ port, host: '127.0.0.1', backlog }, () => {
  console.log('ready');
  setTimeout(() => endOf(journal), 10);
});
