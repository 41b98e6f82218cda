import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { seen, unavailable, type Observation } from '@lastack/core';
import {
  failedRead,
  listProcNumbers,
  orEnded,
  readProcLink,
  readProcText,
} from '../../kernel/procfs/read-proc.ts';
import { parseStat } from '../../kernel/procfs/stat.ts';
import type { Located, LocateTarget, Locator, SocketLocation } from '../locator.ts';
import { chooseStacks } from './choose-stacks.ts';
import { CodeObjects } from './code-objects.ts';
import { Frames } from './frames.ts';
import { findInterpreter } from './interpreter.ts';
import { PythonObjects } from './objects.ts';
import { ProcessMemory } from './process-memory.ts';
import { formatCall, userFrame } from './source-kind.ts';
import { readStacks, type StacksSample, type ThreadStack } from './thread-stacks.ts';

export interface LocatePythonOptions {
  /** Default `/proc`. */
  readonly root?: string;
  /** A clock that does not jump, ms; default `performance.now`. */
  readonly now?: () => number;
}

const SAMPLES = 3;
/** For one sample of the stacks: 2000 threads fit, and a loop of garbage ends. */
const STACKS_BUDGET = { bytes: 64 << 20, ms: 500 };

/**
 * Finds what a Python process executes: for each thread the innermost line of the user's own code. It reads the process's
 * memory while it runs: no pause, no signal. CPython 3.8 to 3.13 on x86-64; others are refused with the reason.
 */
export const locatePython: Locator = (target) => locatePythonWith(target, {});

export async function locatePythonWith(
  target: LocateTarget,
  { root = '/proc', now = () => performance.now() }: LocatePythonOptions,
): Promise<Observation<Located>> {
  const { pid } = target;
  const started = readStart(root, pid);
  if (started.kind !== 'ok') return started;
  const opened = openMemory(root, pid, now);
  if (opened.kind !== 'ok') return opened;
  using memory = opened.value;
  const interpreter = findInterpreter(root, pid, memory);
  if (interpreter.kind !== 'ok') return interpreter;
  const objects = new PythonObjects(memory, interpreter.value.offsets);
  const { minor } = interpreter.value.version;
  const frames = new Frames(objects, new CodeObjects(objects, minor), minor);
  const samples: StacksSample[] = [];
  while (samples.length < SAMPLES) {
    memory.look(STACKS_BUDGET);
    samples.push(readStacks(objects, frames, interpreter.value, readTids(root, pid)));
  }
  const stacks = chooseStacks(samples);
  const after = readStart(root, pid);
  if (
    after.kind !== 'ok' ||
    after.value !== started.value ||
    !memory.isAlive(interpreter.value.runtime)
  ) {
    return unavailable(`process ${pid} ended or changed while it was read`, 'run lastack again');
  }
  const cwd = readProcLink(`${root}/${pid}/cwd`);
  const folder = cwd.kind === 'ok' ? cwd.value : '/';
  return seen({
    locations: stacks.stacks.flatMap((stack) => executing(pid, stack, folder)),
    notes: notesOf(pid, stacks),
  });
}

function executing(pid: number, stack: ThreadStack, folder: string): SocketLocation[] {
  const frame = userFrame(stack.frames);
  if (frame === null || frame.line === null) return [];
  const thread = stack.tid === null ? 'a thread' : `thread ${stack.tid}`;
  const [leaf] = stack.frames;
  const below = leaf === frame ? '' : `; below it, ${formatCall(leaf)}`;
  return [
    {
      role: 'executing',
      file: absolute(frame.code.file, folder),
      line: frame.line,
      function: frame.code.function,
      evidence: `stack of ${thread}, read from /proc/${pid}/mem${below}`,
      fd: null,
    },
  ];
}

function absolute(file: string, folder: string): string {
  return file.startsWith('<') ? file : resolve(folder, file);
}

function notesOf(pid: number, { stacks, complete }: StacksSample): string[] {
  const torn = stacks.filter((stack) => !stack.complete).length;
  return [
    ...(complete ? [] : [`Not every thread of process ${pid} was found: it changed meanwhile.`]),
    ...(torn === 0 ? [] : [`${torn} of ${stacks.length} stacks of process ${pid} are incomplete.`]),
  ];
}

function readStart(root: string, pid: number): Observation<number> {
  const text = orEnded(readProcText(`${root}/${pid}/stat`), pid);
  const stat = text.kind === 'ok' ? parseStat(text.value) : text;
  return stat.kind === 'ok' ? seen(stat.value.startTicks) : stat;
}

function readTids(root: string, pid: number): ReadonlySet<number> {
  const tids = listProcNumbers(`${root}/${pid}/task`);
  return new Set(tids.kind === 'ok' ? tids.value : []);
}

function openMemory(root: string, pid: number, now: () => number): Observation<ProcessMemory> {
  const path = `${root}/${pid}/mem`;
  try {
    return seen(new ProcessMemory(path, { ...STACKS_BUDGET, now }));
  } catch (error) {
    const failed = failedRead(path, error);
    if (failed.kind === 'unavailable' && isOwn(root, pid)) {
      return unavailable(
        `${failed.reason} (the kernel's Yama may forbid it: kernel.yama.ptrace_scope)`,
        failed.remedy,
      );
    }
    return orEnded(failed, pid);
  }
}

function isOwn(root: string, pid: number): boolean {
  try {
    return statSync(`${root}/${pid}`).uid === process.getuid?.();
  } catch {
    return false;
  }
}
