import { parentPort, workerData } from 'node:worker_threads';
import { scanFdLinks, type PidQueue } from './fd-link-scan.ts';
import { loadLibc } from './ffi.ts';

// The second thread of `readFdLinks()`: takes processes from the same queue, and answers with one message.

export interface FdLinksJob {
  readonly proc: string;
  readonly queue: PidQueue;
  readonly withFfi: boolean;
}

const { proc, queue, withFfi } = workerData as FdLinksJob;
const libc = loadLibc();
const scan = scanFdLinks(withFfi && libc.kind === 'ok' ? libc.value : null, proc, queue);
const { pid, fd, inode } = scan.owners;
parentPort?.postMessage(
  scan,
  [pid, fd, inode].map((column) => column.buffer),
);
