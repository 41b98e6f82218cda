import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { seen, unavailable, type Observation, type Unavailable } from '@lastack/core';

/** The process, thread or descriptor ended before or while it was read: there is nothing to tell. */
export interface Gone {
  readonly kind: 'gone';
}

export type ProcRead<T> = Observation<T> | Gone;

export const GONE: Gone = { kind: 'gone' };

/** Files of procfs have no length; no file that is read whole should be longer than this. */
const LONGEST = 16 << 20;

const SCRATCH = 64 << 10;
const LARGEST_SCRATCH = 1 << 20;
let scratch = Buffer.allocUnsafe(SCRATCH);

/**
 * Reads a file of procfs. The bytes are a view of memory that the next read overwrites.
 * @param limit read at most this many bytes; a longer file is cut there
 */
export function readProcBytes(path: string, limit = LONGEST): ProcRead<Buffer> {
  let fd = -1;
  try {
    fd = openSync(path, 'r');
    let length = 0;
    while (length < limit) {
      if (length === scratch.length) scratch = Buffer.concat([scratch], scratch.length * 2);
      const room = Math.min(scratch.length, limit) - length;
      const got = readSync(fd, scratch, length, room, null);
      if (got === 0) break;
      length += got;
    }
    const bytes = scratch.subarray(0, length);
    // A long table must not stay in memory for good.
    if (scratch.length > LARGEST_SCRATCH) scratch = Buffer.allocUnsafe(SCRATCH);
    return seen(bytes);
  } catch (error) {
    return failedRead(path, error);
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/** Reads a file of procfs as text; program names in it may hold any byte, so undecodable ones become U+FFFD. */
export function readProcText(path: string, limit = LONGEST): ProcRead<string> {
  const read = readProcBytes(path, limit);
  if (read.kind !== 'ok') return read;
  return seen(read.value.toString('utf8'));
}

/** What a link of procfs says: `socket:[8123]`, `/usr/bin/node (deleted)`. */
export function readProcLink(path: string): ProcRead<string> {
  try {
    return seen(readlinkSync(path));
  } catch (error) {
    return failedRead(path, error);
  }
}

/** The names in a folder of procfs that are numbers, ascending: processes, threads, descriptors. */
export function listProcNumbers(path: string): ProcRead<readonly number[]> {
  try {
    const numbers: number[] = [];
    for (const name of readdirSync(path)) {
      if (/^\d{1,10}$/.test(name)) numbers.push(Number(name));
    }
    return seen(numbers.toSorted((a, b) => a - b));
  } catch (error) {
    return failedRead(path, error);
  }
}

/**
 * What a failed read of procfs means: the process is gone (ENOENT, ESRCH), or it may not be seen.
 * @param error what a function of node:fs threw
 */
export function failedRead(path: string, error: unknown): Gone | Unavailable {
  const code = codeOf(error);
  switch (code) {
    case 'ENOENT':
    case 'ESRCH':
      return GONE;
    case 'EACCES':
    case 'EPERM':
      return unavailable(`cannot read ${path}: permission denied`, 'run as root');
    case 'EMFILE':
    case 'ENFILE':
      return unavailable(
        `cannot read ${path}: no descriptors left (${code})`,
        'raise the limit with ulimit -n',
      );
    default:
      return unavailable(`cannot read ${path}: ${code}`, 'check that /proc is mounted as procfs');
  }
}

/** A file that reads, but not as the kernel writes it. */
export function malformed(what: string, text: string): Unavailable {
  const start = JSON.stringify(text.slice(0, 60));
  return unavailable(
    `${what} is not as the kernel writes it: ${start}`,
    'report this with the output of uname -r',
  );
}

/** A vanished process as an observation, where the caller must say something of it. */
export function orEnded<T>(read: ProcRead<T>, pid: number): Observation<T> {
  return read.kind === 'gone'
    ? unavailable(`process ${pid} ended while it was read`, 'run lastack again')
    : read;
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
