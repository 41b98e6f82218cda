import { readdirSync, statSync } from 'node:fs';
import {
  seen,
  unavailable,
  type DescriptorUse,
  type Observation,
  type ProcessFacts,
  type ThreadSight,
} from '@lastack/core';
import { readEpollWatch } from './epoll.ts';
import { parseOpenFilesLimit } from './limits.ts';
import { readProcessTree, zombiesByParent, type ProcessTree } from './process-tree.ts';
import { failedRead, orEnded, readProcLink, readProcText, type ProcRead } from './read-proc.ts';
import { readRuntime } from './runtime.ts';
import { parseStatus } from './status.ts';

export interface ProcessFactsOptions {
  /** Default `/proc`. */
  readonly root?: string;
  /** What the thread sampler saw, by pid. */
  readonly threads?: ReadonlyMap<number, Observation<ThreadSight>>;
  /**
   * The sockets of a process as far as known, inode by descriptor: their links need not be read again. Null: what it watches
   * with epoll is not asked for, which saves listing its descriptors.
   */
  readonly socketsOf?: (pid: number) => ReadonlyMap<number, number> | null;
  /** The container that a process belongs to, null for none. */
  readonly containerOf?: (pid: number) => string | null;
}

const NO_SOCKETS: ReadonlyMap<number, number> = new Map();
const NOT_ASKED = unavailable('no rule asks what the process watches with epoll', 'nothing to do');

/**
 * Reads what procfs says of processes. Those that have ended, or that hidepid hides, are missing from the result; a part
 * that may not be read is an observation that says so. It only reads: no signal, no pause.
 *
 * @param pids of lastack's own pid namespace
 * @example
 * const threads = await startSampling([812]);
 * const facts = readProcessFacts([812], { threads });
 */
export function readProcessFacts(
  pids: readonly number[],
  options: ProcessFactsOptions = {},
): Observation<ReadonlyMap<number, ProcessFacts>> {
  const tree = readProcessTree(options.root ?? '/proc');
  if (tree.kind !== 'ok') return tree;
  const zombies = zombiesByParent(tree.value);
  const facts = new Map<number, ProcessFacts>();
  for (const pid of pids) {
    const fact = readOne(pid, tree.value, zombies.get(pid) ?? [], options);
    if (fact !== null) facts.set(pid, fact);
  }
  return seen(facts);
}

function readOne(
  pid: number,
  tree: ProcessTree,
  zombies: readonly number[],
  options: ProcessFactsOptions,
): ProcessFacts | null {
  const root = options.root ?? '/proc';
  const stat = tree.get(pid);
  const text = readProcText(`${root}/${pid}/status`);
  const status = text.kind === 'ok' ? parseStatus(text.value) : text;
  if (stat === undefined || status.kind !== 'ok') return null;
  const executable = orEnded(readProcLink(`${root}/${pid}/exe`), pid);
  const path = executable.kind === 'ok' ? executable.value : null;
  const netns = readNetns(`${root}/${pid}/ns/net`);
  const sockets = options.socketsOf === undefined ? NO_SOCKETS : options.socketsOf(pid);
  return {
    pid,
    parentPid: stat.parentPid,
    command: stat.command,
    executable,
    uid: status.value.uid,
    runtime: readRuntime(root, pid, path, stat.command),
    container: options.containerOf?.(pid) ?? null,
    ...(netns === null ? {} : { netns }),
    descriptors: readDescriptorUse(root, pid),
    threads:
      options.threads?.get(pid) ??
      unavailable(`the threads of process ${pid} were not sampled`, 'look at it with --pid'),
    watched: sockets === null ? NOT_ASKED : readEpollWatch(root, pid, sockets),
    zombies,
  };
}

/** The number in `net:[4026531833]`; null where it may not be read. */
export function readNetns(path: string): number | null {
  const link = readProcLink(path);
  const inode = link.kind === 'ok' ? /^net:\[(\d+)\]$/.exec(link.value)?.[1] : undefined;
  return inode === undefined ? null : Number(inode);
}

/** Open descriptors of a process and its soft RLIMIT_NOFILE. */
export function readDescriptorUse(root: string, pid: number): Observation<DescriptorUse> {
  const text = orEnded(readProcText(`${root}/${pid}/limits`), pid);
  const limit = text.kind === 'ok' ? parseOpenFilesLimit(text.value) : text;
  if (limit.kind !== 'ok') return limit;
  const open = orEnded(countDescriptors(`${root}/${pid}/fd`), pid);
  return open.kind === 'ok' ? seen({ open: open.value, limit: limit.value }) : open;
}

/**
 * From Linux 6.2 on the folder's size is the number of descriptors, and needs no rights (fs/proc/fd.c, proc_fd_getattr());
 * before, it is 0 and the entries must be counted.
 */
function countDescriptors(path: string): ProcRead<number> {
  try {
    const { size } = statSync(path);
    return seen(size > 0 ? size : readdirSync(path).length);
  } catch (error) {
    return failedRead(path, error);
  }
}
