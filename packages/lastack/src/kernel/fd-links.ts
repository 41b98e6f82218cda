import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { UnreadableProcesses } from '@lastack/core';
import { queuePids, scanFdLinks, type FdLinkScan } from './fd-link-scan.ts';
import type { FdLinksJob } from './fd-links-worker.ts';
import type { Libc } from './ffi.ts';
import { hiddenProcesses } from './hidepid.ts';
import { joinOwners, type OwnerColumns } from './owner-columns.ts';
import { rootRemedy } from './root-remedy.ts';

export interface FdLinks {
  /** Sockets of every kind: a link does not tell TCP from the others. */
  readonly owners: OwnerColumns;
  readonly unreadable: readonly UnreadableProcesses[];
}

export interface FdLinksOptions {
  /** `/proc`. */
  readonly proc: string;
  /** Null reads all processes. */
  readonly pids: ReadonlySet<number> | null;
  /** The program of the second thread, `fd-links-worker`; null for none. */
  readonly worker?: string | null;
}

/** A worker takes 25 ms to start: more than 7,000 links take to read. */
const FILES_WORTH_A_WORKER = 20_000;

/**
 * The sockets that descriptors refer to, from the links in /proc/PID/fd: 3.5 µs a descriptor through the FFI, without it 5.
 * Needs no privilege for the user's own processes. On a host with many open files a second thread takes its share of the
 * processes; it begins at once, this one when the promise is awaited.
 *
 * @param libc null reads with node:fs
 */
export async function readFdLinks(
  libc: Libc | null,
  { proc, pids, worker = installedWorker() }: FdLinksOptions,
): Promise<FdLinks> {
  const all = pids === null ? listProcesses(proc) : [...pids];
  const queue = queuePids(all);
  const job: FdLinksJob = { proc, queue, withFfi: libc !== null };
  const help = worker !== null && isWorthAWorker(proc) ? startWorker(worker, job) : null;
  await Promise.resolve();
  let scans = [scanFdLinks(libc, proc, queue)];
  if (help !== null) {
    const theirs = await help;
    // What it had taken is lost with it.
    scans = theirs === null ? [scanFdLinks(libc, proc, queuePids(all))] : [...scans, theirs];
  }
  const hidden = pids === null ? hiddenProcesses(proc) : null;
  const unreadable = describeFailures(proc, scans);
  return {
    owners: joinOwners(scans.map((scan) => scan.owners)),
    unreadable: hidden === null ? unreadable : [...unreadable, hidden],
  };
}

function listProcesses(proc: string): number[] {
  return readdirSync(proc).map(Number).filter(Number.isInteger);
}

/** The build puts it beside the program. */
function installedWorker(): string | null {
  const file = join(dirname(fileURLToPath(import.meta.url)), 'fd-links-worker.cjs');
  return existsSync(file) ? file : null;
}

/** /proc/sys/fs/file-nr begins with the open files of the whole host: proc_sys_fs(5). */
function isWorthAWorker(proc: string): boolean {
  try {
    const files = Number.parseInt(readFileSync(join(proc, 'sys/fs/file-nr'), 'latin1'), 10);
    return files >= FILES_WORTH_A_WORKER && availableParallelism() > 1;
  } catch {
    return false;
  }
}

/** What the worker read, or null when it failed. */
function startWorker(file: string, job: FdLinksJob): Promise<FdLinkScan | null> {
  return new Promise((resolve) => {
    const worker = new Worker(file, { workerData: job, execArgv: [] });
    worker.once('message', (scan: FdLinkScan) => resolve(scan));
    worker.once('error', () => resolve(null));
    worker.once('exit', () => resolve(null));
  });
}

function describeFailures(proc: string, scans: readonly FdLinkScan[]): UnreadableProcesses[] {
  const counts = new Map<string, number>();
  for (const [code, count] of scans.flatMap(({ failed }) => [...failed])) {
    counts.set(code, (counts.get(code) ?? 0) + count);
  }
  return [...counts].map(([code, count]) => describeFailure(proc, code, count));
}

function describeFailure(proc: string, code: string, count: number): UnreadableProcesses {
  const whom = `reading ${proc}/PID/fd of ${count} process${count === 1 ? '' : 'es'}`;
  const remedy = rootRemedy();
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return { count, reason: `permission denied ${whom}`, remedy };
    case 'EMFILE':
    case 'ENFILE':
      return { count, reason: `no descriptor left for ${whom}`, remedy: 'raise ulimit -n' };
    default:
      return { count, reason: `${code} ${whom}`, remedy: 'check that /proc is mounted as procfs' };
  }
}
