// Fault: an async listener throws before it ends its socket; nobody awaits it, and the rejection is only noted. With
// allowHalfOpen Node leaves the end to the program.
// The doctor says: close-wait-leak, eof-ignored.
/* oxlint-disable typescript/no-misused-promises -- that is the fault */
import { createServer } from 'node:net';

const port = Number(process.argv[2]);
const isHealthy = process.argv.includes('--healthy');
const sessions = new Set();

process.on('unhandledRejection', (reason) => console.error('failed:', reason.message));

async function answer(data) {
  const { name } = JSON.parse(data);
  return `hello ${name}\n`;
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  sessions.add(socket);
  socket.on('close', () => sessions.delete(socket));
  socket.on('error', () => socket.destroy());
  socket.on('data', async (data) => {
    try {
      socket.end(await answer(data));
    } catch (error) {
      if (isHealthy) socket.end('what?\n');
      throw error;
    }
  });
});
server.listen(port, '0.0.0.0', () => console.log('ready', port));
