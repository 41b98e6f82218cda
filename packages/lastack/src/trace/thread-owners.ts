import type { TracedProcess } from '@lastack/core';
import { readThreadOwner } from '../kernel/threads.ts';

/** Asks for the processes of threads, each at most once between two calls of `refresh()`. */
export interface ThreadOwners {
  ownerOf(thread: number): TracedProcess | null;
  /** Names may have changed, and numbers been used again. */
  refresh(): void;
}

interface Known {
  readonly process: TracedProcess | null;
  isFresh: boolean;
}

const THREADS_AT_MOST = 10_000;

export function createThreadOwners(read = readThreadOwner): ThreadOwners {
  const known = new Map<number, Known>();
  let hasFresh = false;
  return {
    ownerOf(thread) {
      const before = known.get(thread);
      if (before?.isFresh === true) return before.process;
      // A thread that has ended by now was the one that was seen before.
      const process = read(thread) ?? before?.process ?? null;
      if (known.size >= THREADS_AT_MOST) known.clear();
      known.set(thread, { process, isFresh: true });
      hasFresh = true;
      return process;
    },
    refresh() {
      if (hasFresh) for (const each of known.values()) each.isFresh = false;
      hasFresh = false;
    },
  };
}
