import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { printable } from '@lastack/core';

const UTF8 = new TextDecoder();

/**
 * The text of /proc/PID/comm, which a process chooses freely: up to 15 bytes of anything. Bytes that are not UTF-8 and
 * characters that a terminal obeys become U+FFFD.
 */
export function parseCommand(bytes: Uint8Array): string {
  const end = bytes.at(-1) === 0x0a ? bytes.length - 1 : bytes.length;
  return printable(UTF8.decode(bytes.subarray(0, end)));
}

/** The name of a process, or null when it has ended. */
export function readCommand(pid: number, proc = '/proc'): string | null {
  try {
    return parseCommand(readFileSync(join(proc, String(pid), 'comm')));
  } catch {
    return null;
  }
}

/** The names of processes, each read once; those that have ended are absent. Rows of one process are usually adjacent. */
export function readCommands(proc: string, pids: Uint32Array): ReadonlyMap<number, string> {
  const commands = new Map<number, string>();
  const ended = new Set<number>();
  let last = -1;
  for (const pid of pids) {
    if (pid === last || commands.has(pid) || ended.has(pid)) continue;
    last = pid;
    const command = readCommand(pid, proc);
    if (command === null) ended.add(pid);
    else commands.set(pid, command);
  }
  return commands;
}
