import type { CallSeen, ThreadActivity } from '@lastack/core';
import { MS_PER_TICK, type TaskStat } from './stat.ts';

/** What one look at a thread showed. */
export type Look =
  | { readonly kind: 'running' }
  /** Blocked, and it is not known in which call. */
  | { readonly kind: 'blocked' }
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly fd: number | null;
      readonly target: string | null;
      readonly childPid: number | null;
    };

/** What a thread had used by a moment. */
export interface ThreadTimes {
  /** Of a clock that does not jump. */
  readonly atMs: number;
  readonly stat: TaskStat;
  readonly voluntarySwitches: number | null;
}

/** A thread's looks, in order, between its first and its last times; `last` is null when it was looked at only once. */
export interface ThreadLog {
  readonly first: ThreadTimes;
  readonly last: ThreadTimes | null;
  readonly looks: readonly Look[];
  readonly wchan: string;
}

/** Sums up what was seen of a thread. Shares of a processor have steps of one tick, 10 ms, over the sampled time. */
export function summarizeThread({ first, last, looks, wchan }: ThreadLog): ThreadActivity {
  const { stat } = last ?? first;
  return {
    tid: stat.pid,
    name: stat.command,
    state: stat.state,
    samples: looks.length,
    running: looks.filter((look) => look.kind === 'running').length,
    cpu: cpuBetween(first, last),
    voluntarySwitches: switchesBetween(first, last),
    calls: countCalls(looks),
    wchan,
  };
}

function cpuBetween(first: ThreadTimes, last: ThreadTimes | null): ThreadActivity['cpu'] {
  const elapsed = last === null ? 0 : last.atMs - first.atMs;
  if (last === null || elapsed <= 0) return null;
  const share = (from: number, to: number) =>
    Math.min(1, Math.max(0, ((to - from) * MS_PER_TICK) / elapsed));
  return {
    user: share(first.stat.userTicks, last.stat.userTicks),
    system: share(first.stat.systemTicks, last.stat.systemTicks),
  };
}

function switchesBetween(first: ThreadTimes, last: ThreadTimes | null): number | null {
  if (last === null || last.voluntarySwitches === null || first.voluntarySwitches === null) {
    return null;
  }
  return Math.max(0, last.voluntarySwitches - first.voluntarySwitches);
}

/** Calls with the same descriptor, target and child are one entry, most frequent first. */
function countCalls(looks: readonly Look[]): readonly CallSeen[] {
  const seen = new Map<string, CallSeen>();
  for (const look of looks) {
    if (look.kind !== 'call') continue;
    const { name, fd, target, childPid } = look;
    const key = `${name} ${fd} ${childPid} ${target}`;
    const samples = (seen.get(key)?.samples ?? 0) + 1;
    seen.set(key, { name, samples, fd, target, childPid });
  }
  return [...seen.values()].toSorted((a, b) => b.samples - a.samples);
}
