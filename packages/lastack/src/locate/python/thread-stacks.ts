import type { Frame, Frames } from './frames.ts';
import type { Interpreter } from './interpreter.ts';
import type { PythonObjects } from './objects.ts';
import { Unreadable } from './process-memory.ts';
import type { PythonView } from './python-view.ts';

/** The Python stack of one thread. */
export interface ThreadStack {
  /** Null where CPython does not keep it: until 3.10 without glibc. */
  readonly tid: number | null;
  /** Of the `PyThreadState`. */
  readonly address: number;
  /** Innermost first; none for a thread that runs no Python code. */
  readonly frames: readonly Frame[];
  readonly complete: boolean;
}

export interface StacksSample {
  readonly stacks: readonly ThreadStack[];
  /** Every thread was found; each may still be incomplete itself. */
  readonly complete: boolean;
}

const MOST_THREADS = 2000;
const MOST_INTERPRETERS = 64;
/** `struct pthread.tid` of glibc on x86-64 since 2.4: nptl/descr.h. */
const GLIBC_TID = 720;

/** Addresses of the interpreters' states, the main one last. */
export function readInterpreters(objects: PythonObjects, { runtime }: Interpreter): number[] {
  const { memory, offsets } = objects;
  const found: number[] = [];
  let at = memory.pointer(runtime + offsets.interpreters_head);
  while (at !== 0 && found.length < MOST_INTERPRETERS && !found.includes(at)) {
    found.push(at);
    at = memory.pointer(at + offsets.interp_next);
  }
  return found;
}

/**
 * Reads the stack of every thread of every interpreter, once.
 * @param tids the threads that the process has, to check what is taken for one
 */
export function readStacks(
  { objects, frames, interpreter }: PythonView,
  tids: ReadonlySet<number>,
): StacksSample {
  const { memory, offsets } = objects;
  const stacks: ThreadStack[] = [];
  const visited = new Set<number>();
  try {
    for (const interp of readInterpreters(objects, interpreter)) {
      let at = memory.pointer(interp + offsets.threads_head);
      for (; at !== 0; at = memory.pointer(at + offsets.ts_next)) {
        if (visited.has(at) || visited.size >= MOST_THREADS) return { stacks, complete: false };
        visited.add(at);
        // A thread state that was freed meanwhile does not point back.
        if (memory.u64(at + offsets.ts_interp) !== interp) return { stacks, complete: false };
        stacks.push({ tid: readTid(objects, at, tids), address: at, ...walk(objects, frames, at) });
      }
    }
    return { stacks, complete: stacks.length > 0 };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { stacks, complete: false };
  }
}

function walk(
  { memory, offsets }: PythonObjects,
  frames: Frames,
  thread: number,
): Pick<ThreadStack, 'frames' | 'complete'> {
  try {
    const innermost =
      offsets.ts_frame >= 0
        ? memory.pointer(thread + offsets.ts_frame)
        : memory.pointer(memory.pointer(thread + offsets.ts_cframe) + offsets.cframe_current_frame);
    return frames.walk(innermost);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { frames: [], complete: false };
  }
}

function readTid(
  { memory, offsets }: PythonObjects,
  thread: number,
  tids: ReadonlySet<number>,
): number | null {
  if (tids.size === 1) return [...tids][0];
  try {
    const tid =
      offsets.ts_native_thread_id >= 0
        ? memory.u64(thread + offsets.ts_native_thread_id)
        : memory.u32(memory.pointer(thread + offsets.ts_thread_id) + GLIBC_TID);
    return tids.has(tid) ? tid : null;
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return null;
  }
}
