// Fault: the server hands each connection to a forked worker, which keeps it for a job that never comes; Node reads as far as
// its buffers go, up to the end, and nobody consumes it.
// The doctor says: close-wait-leak, eof-ignored, held by the worker.
import { fork } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const port = Number(process.argv[2]);
const isHealthy = process.argv.includes('--healthy');
const jobs = new Map();

function serve() {
  const worker = fork(fileURLToPath(import.meta.url), process.argv.slice(2));
  const server = createServer({ pauseOnConnect: true }, (socket) => worker.send('serve', socket));
  worker.once('message', () => {
    server.listen(port, '0.0.0.0', () => console.log('ready', port));
  });
}

function work() {
  process.on('message', (_, socket) => {
    socket.on('error', () => socket.destroy());
    if (isHealthy) socket.resume();
    else jobs.set(jobs.size, { socket });
  });
  process.send('started');
}

if (process.send === undefined) serve();
else work();
