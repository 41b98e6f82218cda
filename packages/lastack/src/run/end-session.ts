import { setTimeout as delay } from 'node:timers/promises';
import { readSession } from '../kernel/procfs/session.ts';

/** How long a process may take to end after SIGTERM. */
const DEADLINE_MS = 2000;
const POLL_MS = 20;
/** Of SIGKILL; a process that hangs in the kernel cannot be helped. */
const LAST_MS = 1000;

/** Ends every process of a session: SIGTERM, and SIGKILL after a deadline. */
export async function endSession(session: number, proc = '/proc'): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGTERM', DEADLINE_MS],
    ['SIGKILL', LAST_MS],
  ] as const) {
    const told = new Set<number>();
    const end = performance.now() + patienceMs;
    while (performance.now() < end) {
      const left = readSession(proc, session);
      if (left.length === 0) return;
      for (const pid of left) {
        if (!told.has(pid)) tell(pid, signal);
        told.add(pid);
      }
      await delay(POLL_MS);
    }
  }
}

function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile, or is another user's.
  }
}
