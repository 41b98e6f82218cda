// Fault: the handler of a request never gets past its first line: it looks for the next one from where it is, not from behind it.
// It has read once and spins; the end that its client sends stays unread.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const isFixed = process.argv.includes('--fixed');

function countLines(text) {
  let count = 0;
  let position = text.indexOf('\n');
  while (position >= 0) {
    count += 1;
    position = text.indexOf('\n', isFixed ? position + 1 : position);
  }
  return count;
}

const server = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => socket.write(`${countLines(data.toString())}\n`));
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
