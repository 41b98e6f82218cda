import { closeSync, constants, fstatSync, openSync, readSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseSlot, SLOT_BYTES, type RecordedStack } from './slot.ts';

/** A descriptor, and the socket that it is. */
export interface RecordedSocket {
  readonly pid: number;
  readonly fd: number;
  readonly inode: number;
}

/**
 * Where a socket was made, from the records of `lastack run`; null when nobody recorded that. What its own process does not
 * know, one that it was forked from may: the descriptor is the same there.
 * @param folder the folder of the run, which must have been checked
 */
export function readRecord(
  folder: string,
  { pid, fd, inode }: RecordedSocket,
): RecordedStack | null {
  const own = readSlot(join(folder, String(pid)), fd, inode);
  if (own !== null) return own;
  for (const name of processesIn(folder)) {
    const stack = name === String(pid) ? null : readSlot(join(folder, name), fd, inode);
    if (stack !== null) return stack;
  }
  return null;
}

function processesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function readSlot(path: string, fd: number, inode: number): RecordedStack | null {
  let file = -1;
  try {
    // Only a file, and only this one: the folder is another's, and we may be root.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!fstatSync(file).isFile()) return null;
    const slot = Buffer.alloc(SLOT_BYTES);
    const length = readSync(file, slot, 0, SLOT_BYTES, fd * SLOT_BYTES);
    return parseSlot(slot.subarray(0, length), inode);
  } catch {
    return null;
  } finally {
    if (file >= 0) closeSync(file);
  }
}
