/* oxlint-disable unicorn/require-post-message-target-origin -- of windows, not of threads */
// All connections in this process; with a worker each, its thread makes the answers. A thread cannot be given a socket, so the
// bytes go through this one: what keeps a worker busy holds up its own client only.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ConnectionError, listen } from '@lastack/net';
import { answerTo } from './answer.mjs';
import { linesOf } from './lines.mjs';

/**
 * @param {{ port: number, host: string | undefined, withWorkers: boolean }} options
 * @returns {Promise<import('./server.mjs').EchoServer>}
 */
export async function serveHere({ port, host, withWorkers }) {
  const serve = withWorkers ? answerByWorker : answerHere;
  const listener = await listen({ port, host, timeouts: { write: 30_000 }, onError }, serve);
  return {
    port: listener.port,
    async close() {
      await listener.close({ deadline: 2000 });
    },
  };
}

/**
 * Returns when the client has sent its FIN; then listen() sends ours and releases the socket.
 * @param {import('@lastack/net').SafeSocket} socket
 */
async function answerHere(socket) {
  for await (const line of linesOf(socket)) await socket.write(answerTo(line));
}

/** @param {import('@lastack/net').SafeSocket} socket */
async function answerByWorker(socket) {
  const worker = new Worker(new URL('answer-worker.mjs', import.meta.url));
  try {
    for await (const line of linesOf(socket)) {
      worker.postMessage(line);
      const [answer] = await once(worker, 'message');
      await socket.write(answer);
    }
  } finally {
    await worker.terminate();
  }
}

/** @param {unknown} error */
function onError(error) {
  // A client that went away, or that the server sent away: nobody waits for the answer.
  if (error instanceof ConnectionError || isClosed(error)) return;
  console.error(error instanceof Error ? error.message : error);
}

/** @param {unknown} error */
function isClosed(error) {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SOCKET_CLOSED';
}
