// Fault: the handler of a request never gets past the first line: it looks for the next from where it is, not from behind it.
// The doctor says: close-wait-leak, spinning; with --attach, the line of the loop.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const isHealthy = process.argv.includes('--healthy');

function countLines(text) {
  let count = 0;
  let position = text.indexOf('\n');
  while (position >= 0) {
    count += 1;
    position = text.indexOf('\n', isHealthy ? position + 1 : position);
  }
  return count;
}

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => socket.write(`${countLines(data.toString())}\n`));
});
server.listen(port, '0.0.0.0', () => console.log('ready', port));
