import { setTimeout as delay } from 'node:timers/promises';
import {
  seen,
  unavailable,
  type Observation,
  type ThreadSight,
  type Unavailable,
} from '@lastack/core';
import { listProcNumbers } from './read-proc.ts';
import type { SystemCallTable } from './system-calls.ts';
import { summarizeThread, type Look, type ThreadTimes } from './thread-activity.ts';
import {
  readSystemCallTable,
  readThreadCall,
  readThreadState,
  readThreadTimes,
  readWchan,
} from './thread-look.ts';

export interface SamplingOptions {
  /** Default `/proc`. */
  readonly root?: string;
  /** Time from the first sample to the last, ms; default 1000. With 0, one sample is taken. */
  readonly durationMs?: number;
  /** Default 20. Fewer are taken when looking takes longer than half of the time. */
  readonly samples?: number;
  /** Processes beyond are unavailable in the result; default 50. */
  readonly maxProcesses?: number;
  /** Threads of a process beyond are only counted; default 64. The oldest are looked at. */
  readonly maxThreads?: number;
  /** As `process.arch`. */
  readonly architecture?: string;
  /** A clock that does not jump, ms. */
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<unknown>;
}

interface ThreadSamples {
  readonly first: ThreadTimes;
  readonly looks: Look[];
}

/** What has been seen of a process so far. */
interface ProcessSamples {
  readonly pid: number;
  readonly calls: SystemCallTable;
  readonly threads: Map<number, ThreadSamples>;
  omitted: number;
  callsHidden: Unavailable | null;
  /** Why the process cannot be looked at any further. */
  end: Unavailable | 'gone' | null;
}

type Limits = Required<SamplingOptions>;

/**
 * Looks at the threads of processes several times and tells what each was doing: processor time, switches, system calls.
 * The first look is taken before it returns.
 *
 * It only reads files of procfs, about 10 µs a thread and sample: no ptrace, no signal, no pause. Where the system calls may
 * not be read, the rest is still told and `callsHidden` says why. Processes that end meanwhile are missing from the result.
 *
 * @param pids most suspicious first: `maxProcesses` of them are looked at
 * @example
 * const sampling = startSampling([812]);
 * // … look at the sockets meanwhile …
 * const threads = (await sampling).get(812);
 */
export async function startSampling(
  pids: readonly number[],
  options: SamplingOptions = {},
): Promise<ReadonlyMap<number, Observation<ThreadSight>>> {
  const limits = withDefaults(options);
  const processes = pids.slice(0, limits.maxProcesses).map((pid) => newSamples(pid, limits));
  await sampleRepeatedly(processes, limits);
  const result = new Map<number, Observation<ThreadSight>>();
  for (const process of processes) {
    const sight = finish(process, limits);
    if (sight !== null) result.set(process.pid, sight);
  }
  const omitted = unavailable(
    `only ${limits.maxProcesses} processes are sampled at a time`,
    'look at this one with --pid',
  );
  for (const pid of pids.slice(limits.maxProcesses)) result.set(pid, omitted);
  return result;
}

function withDefaults(options: SamplingOptions): Limits {
  return {
    root: '/proc',
    durationMs: 1000,
    samples: 20,
    maxProcesses: 50,
    maxThreads: 64,
    architecture: process.arch,
    now: () => performance.now(),
    sleep: delay,
    ...options,
  };
}

/** Spreads the samples over the duration, resting after each at least as long as it took. */
async function sampleRepeatedly(
  processes: readonly ProcessSamples[],
  { durationMs, samples, root, maxThreads, now, sleep }: Limits,
): Promise<void> {
  const begin = now();
  const interval = durationMs / Math.max(1, samples - 1);
  for (let taken = 1; ; taken++) {
    const started = now();
    for (const process of processes) lookAt(process, root, maxThreads, now);
    if (taken >= samples || started - begin >= durationMs) return;
    const rested = now() + (now() - started);
    const next = Math.max(begin + taken * interval, rested);
    await sleep(Math.max(0, Math.min(next, begin + durationMs) - now()));
  }
}

function newSamples(pid: number, { root, architecture }: Limits): ProcessSamples {
  const calls = readSystemCallTable(`${root}/${pid}`, architecture);
  return { pid, calls, threads: new Map(), omitted: 0, callsHidden: null, end: null };
}

function lookAt(
  process: ProcessSamples,
  root: string,
  maxThreads: number,
  now: () => number,
): void {
  if (process.end !== null) return;
  const folder = `${root}/${process.pid}/task`;
  const tids = listProcNumbers(folder);
  if (tids.kind !== 'ok') {
    process.end = tids.kind === 'gone' ? 'gone' : tids;
    return;
  }
  const alive = new Set(tids.value);
  for (const tid of process.threads.keys()) if (!alive.has(tid)) process.threads.delete(tid);
  for (const tid of tids.value) {
    if (process.threads.has(tid) || process.threads.size < maxThreads) {
      lookAtThread(process, tid, `${folder}/${tid}`, now());
    }
  }
  process.omitted = Math.max(process.omitted, alive.size - process.threads.size);
}

function lookAtThread(process: ProcessSamples, tid: number, task: string, atMs: number): void {
  let samples = process.threads.get(tid);
  if (samples === undefined) {
    const first = readThreadTimes(task, atMs);
    if (first.kind === 'unavailable') process.end = first;
    if (first.kind !== 'ok') return;
    samples = { first: first.value, looks: [] };
    process.threads.set(tid, samples);
  }
  const look = readLook(process, task);
  if (look === null) process.threads.delete(tid);
  else samples.looks.push(look);
}

function readLook(process: ProcessSamples, task: string): Look | null {
  if (process.callsHidden === null) {
    const look = readThreadCall(task, process.calls);
    if (look.kind === 'ok') return look.value;
    if (look.kind === 'gone') return null;
    process.callsHidden = look;
  }
  const state = readThreadState(task);
  return state.kind === 'ok' ? state.value : null;
}

function finish(process: ProcessSamples, { root, now }: Limits): Observation<ThreadSight> | null {
  if (process.end !== null) return process.end === 'gone' ? null : process.end;
  const threads = [];
  for (const [tid, { first, looks }] of process.threads) {
    const task = `${root}/${process.pid}/task/${tid}`;
    let last: ThreadTimes | null = null;
    if (looks.length > 1) {
      const times = readThreadTimes(task, now());
      // Another thread may have its number by now.
      if (times.kind !== 'ok' || times.value.stat.startTicks !== first.stat.startTicks) continue;
      last = times.value;
    }
    threads.push(summarizeThread({ first, last, looks, wchan: readWchan(task) }));
  }
  if (threads.length === 0) return null;
  return seen({ threads, omitted: process.omitted, callsHidden: process.callsHidden });
}
