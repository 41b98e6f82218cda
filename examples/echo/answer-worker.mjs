/* oxlint-disable unicorn/require-post-message-target-origin -- of windows, not of threads */
// The thread of one connection: a line in, an answer out.
import { parentPort } from 'node:worker_threads';
import { answerTo } from './answer.mjs';

parentPort?.on('message', (line) => parentPort?.postMessage(answerTo(line)));
