// Fault: as http-agent.cjs, in a worker thread.
/* oxlint-disable unicorn/require-post-message-target-origin -- a browser's */
import { Worker, isMainThread } from 'node:worker_threads';
import net from 'node:net';
import { linger, startServer } from './large-answer.cjs';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  startServer((port) => worker.postMessage(port), 64);
  worker.on('message', linger);
} else {
  const { parentPort } = await import('node:worker_threads');
  parentPort.on('message', (port) => {
    const socket = net.connect(port, '127.0.0.1'); // made here
    socket.pause().write('GET / HTTP/1.1\r\n\r\n', () => parentPort.postMessage('done'));
  });
}
