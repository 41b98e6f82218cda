import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { sourceReader } from '../locate/recorded/to-source.ts';
import { CloseWaitWatch } from './close-wait-watch.ts';
import { preloadEnvironment } from './environment.ts';
import { readExitNotes } from './exit-notes.ts';
import { NODE_PRELOAD, RunFolder } from './folder.ts';
import type { Leak } from './leak.ts';
import { endSession } from './end-session.ts';
import { passSignals } from './signals.ts';

const LOOK_EVERY_MS = 250;

export interface RunOptions {
  /** How long a socket may stay in CLOSE-WAIT. */
  readonly graceMs: number;
}

/** How a command ended, and what it left open. */
export interface RunResult {
  /** As a shell has it: 128 + n for the death by signal n. */
  readonly status: number;
  /** The signal that it died of. */
  readonly signal: NodeJS.Signals | null;
  readonly durationMs: number;
  /** How often its sockets were looked at. */
  readonly looks: number;
  readonly leaks: readonly Leak[];
  /** What could not be seen. */
  readonly notes: readonly string[];
}

/** The command did not start: `code` is errno's name. */
export class NotStarted extends Error {
  readonly code: string;

  constructor(command: string, code: string) {
    super(`cannot start ${command}: ${code}`);
    this.code = code;
  }
}

/**
 * Runs a command in a session of its own, with our streams, and passes our signals on. When it has ended, whatever it started
 * in its session is ended too, and nothing of ours is left.
 * @throws {NotStarted}
 */
export async function runCommand(
  [command, ...args]: readonly string[],
  { graceMs }: RunOptions,
): Promise<RunResult> {
  const begin = performance.now();
  using folder = new RunFolder();
  const child = spawn(command, args, {
    stdio: 'inherit',
    detached: true,
    env: preloadEnvironment(process.env, {
      folder: folder.path,
      node: NODE_PRELOAD,
      python: folder.python,
    }),
  });
  const ended = endOf(child);
  const session = child.pid;
  if (session === undefined) return ended.then(() => Promise.reject(new NotStarted(command, '?')));

  using watch = new CloseWaitWatch({ folder: folder.path, session });
  const looking = startLooking(watch);
  using signals = passSignals(child, () => looking.now());
  const { code, signal } = await ended;
  // Those that it started may still hold sockets.
  await looking.now();
  await looking.stop();
  await endSession(session);

  const leaks = watch.leaks(graceMs);
  const known = new Set(leaks.map(({ inode }) => inode));
  // A program that was told to end has nothing to close first.
  const notes = signals.hadToEnd ? [] : readExitNotes(folder.path);
  const toSource = sourceReader('');
  return {
    status: code ?? 128 + constants.signals[signal ?? 'SIGKILL'],
    signal,
    durationMs: Math.round(performance.now() - begin),
    looks: watch.looks,
    leaks: [...leaks, ...notes.filter(({ inode }) => !known.has(inode))].map((leak) => ({
      ...leak,
      stack: leak.stack === null ? null : toSource(leak.stack),
    })),
    notes: watch.problem === null ? [] : [`sockets could not be read: ${watch.problem}`],
  };
}

interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

function endOf(child: ChildProcess): Promise<End> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) reject(new NotStarted(child.spawnfile, error.code ?? '?'));
    });
  });
}

/** Looks again and again, one look at a time. */
function startLooking(watch: CloseWaitWatch): { now(): Promise<void>; stop(): Promise<void> } {
  const stopped = new AbortController();
  let last: Promise<void> = Promise.resolve();
  const now = () => (last = last.then(() => watch.look(performance.now())));
  const go = async () => {
    while (!stopped.signal.aborted) {
      await now();
      await delay(LOOK_EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };
  const going = go();
  return {
    now,
    stop: () => {
      stopped.abort();
      return going;
    },
  };
}
