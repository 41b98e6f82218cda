import { seen, unavailable, type Observation } from '@lastack/core';
import { listProcNumbers, readProcText } from './read-proc.ts';
import { parseStat, type TaskStat } from './stat.ts';

/** Every process that can be seen, by pid; with hidepid, those of other users are missing. */
export type ProcessTree = ReadonlyMap<number, TaskStat>;

/**
 * Reads /proc/PID/stat of every process once, about 10 µs a process. Processes that end meanwhile, or whose stat cannot be
 * read, are left out.
 * @param root `/proc`, or where it is mounted
 */
export function readProcessTree(root: string): Observation<ProcessTree> {
  const pids = listProcNumbers(root);
  if (pids.kind === 'gone') return unavailable(`there is no ${root}`, 'mount procfs there');
  if (pids.kind !== 'ok') return pids;
  const tree = new Map<number, TaskStat>();
  for (const pid of pids.value) {
    const text = readProcText(`${root}/${pid}/stat`);
    const stat = text.kind === 'ok' ? parseStat(text.value) : text;
    if (stat.kind === 'ok') tree.set(pid, stat.value);
  }
  return seen(tree);
}

/**
 * The zombies by their parent: processes that have ended and whose parent has not waited for them. State `Z` with more than
 * one thread is a living process whose first thread has ended.
 */
export function zombiesByParent(tree: ProcessTree): ReadonlyMap<number, readonly number[]> {
  const zombies = new Map<number, number[]>();
  for (const { pid, parentPid, state, threads } of tree.values()) {
    if (state !== 'Z' || threads > 1) continue;
    const siblings = zombies.get(parentPid);
    if (siblings === undefined) zombies.set(parentPid, [pid]);
    else siblings.push(pid);
  }
  return zombies;
}
