import type { ChildProcess } from 'node:child_process';

/** They end a command; those that a terminal sends go to all of its processes, as a terminal would send them. */
const ENDING = { SIGINT: 'all', SIGQUIT: 'all', SIGTERM: 'first', SIGHUP: 'first' } as const;
const OTHERS = ['SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const;

/** How long a command that must end (SIGTERM, SIGHUP) may take. */
const DEADLINE_MS = 10_000;

export interface PassedSignals extends Disposable {
  /** Whether a signal came that ends a command. */
  readonly hadToEnd: boolean;
}

/**
 * Passes our signals on to a command, which leads a process group of its own.
 * @param look awaited before a signal that ends the command: the last chance to see its sockets
 */
export function passSignals(child: ChildProcess, look: () => Promise<void>): PassedSignals {
  const listeners = new Map<NodeJS.Signals, () => void>();
  let hadToEnd = false;
  let deadline: NodeJS.Timeout | undefined;
  for (const signal of Object.keys(ENDING) as (keyof typeof ENDING)[]) {
    listeners.set(signal, () => {
      hadToEnd = true;
      if (ENDING[signal] === 'first') {
        deadline ??= setTimeout(() => send(child, 'SIGKILL', 'first'), DEADLINE_MS);
      }
      const pass = () => send(child, signal, ENDING[signal]);
      look().then(pass, pass);
    });
  }
  for (const signal of OTHERS) listeners.set(signal, () => send(child, signal, 'first'));
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return {
    get hadToEnd() {
      return hadToEnd;
    },
    [Symbol.dispose]() {
      clearTimeout(deadline);
      for (const [signal, listener] of listeners) process.off(signal, listener);
    },
  };
}

function send(child: ChildProcess, signal: NodeJS.Signals, to: 'all' | 'first'): void {
  // Once it has been waited for, its number may be another's.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(to === 'all' ? -child.pid : child.pid, signal);
  } catch {
    // It has ended, or become another user's.
  }
}
