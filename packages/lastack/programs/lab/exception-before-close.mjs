// Fault: an exception jumps over end(), and is only noted.
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const usesFinally = process.argv.includes('--finally');

process.on('unhandledRejection', () => {});

function answerTo(request) {
  return `hello ${JSON.parse(request).name}\n`;
}

async function serve(socket, request) {
  socket.write(answerTo(request));
  socket.end();
}

async function serveSafely(socket, request) {
  try {
    socket.write(answerTo(request));
  } finally {
    socket.end();
  }
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => void (usesFinally ? serveSafely : serve)(socket, data));
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
