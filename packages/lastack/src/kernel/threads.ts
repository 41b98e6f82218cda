import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCommand } from './commands.ts';

/** The process that a thread belongs to, and its name. */
export interface ThreadOwner {
  readonly pid: number;
  readonly command: string;
}

/** Of a thread by its number, from /proc/TID/status; null when it has ended. */
export function readThreadOwner(thread: number, proc = '/proc'): ThreadOwner | null {
  try {
    const status = readFileSync(join(proc, String(thread), 'status'), 'latin1');
    const pid = Number(/^Tgid:\t(\d+)$/m.exec(status)?.[1]);
    return { pid, command: parseCommand(readFileSync(join(proc, String(pid), 'comm'))) };
  } catch {
    return null;
  }
}
