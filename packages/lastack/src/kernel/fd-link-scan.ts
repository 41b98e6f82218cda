import { closeSync, constants, openSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { foreignBuffer, type Libc } from './ffi.ts';
import { isKernelThread } from './kernel-thread.ts';
import { KernelError } from './kernel-error.ts';
import { addOwner, noOwners, type OwnerColumns } from './owner-columns.ts';

// Read first: fs/proc/fd.c. Each descriptor is a link in /proc/PID/fd; of a socket it says `socket:[INODE]`.

/** Processes that wait to be read: how many are taken, then their pids. In shared memory several threads take from it. */
export type PidQueue = Int32Array<SharedArrayBuffer>;

export interface FdLinkScan {
  readonly owners: OwnerColumns;
  /** Processes that could not be read, by error code. */
  readonly failed: ReadonlyMap<string, number>;
}

const ENOENT = 2;
const ESRCH = 3;
const EACCES = 13;

/** struct linux_dirent64 { u64 d_ino; s64 d_off; u16 d_reclen; u8 d_type; char d_name[]; } */
const RECORD_LENGTH_AT = 16;
const NAME_AT = 19;
const ENTRIES_BYTES = 262_144;

const LINK_START = Buffer.from('socket:[');
/** `socket:[4294967295]` has 19. */
const LINK_BYTES = 32;
const ZERO = 48;
const NINE = 57;

export function queuePids(pids: readonly number[]): PidQueue {
  const queue = new Int32Array(new SharedArrayBuffer(4 * (pids.length + 1)));
  queue.set(pids, 1);
  return queue;
}

/** The next process, or −1 when all are taken. */
function takePid(queue: PidQueue): number {
  const taken = Atomics.add(queue, 0, 1);
  return taken + 1 < queue.length ? queue[taken + 1] : -1;
}

/**
 * Reads the links of process after process until the queue is empty. A process or descriptor that vanishes is left out.
 *
 * @param libc null reads with node:fs
 */
export function scanFdLinks(libc: Libc | null, proc: string, queue: PidQueue): FdLinkScan {
  const owners = noOwners('without tcp');
  const read = libc === null ? readWithNode : linkReader(libc);
  const failed = new Map<string, number>();
  for (let pid = takePid(queue); pid >= 0; pid = takePid(queue)) {
    const folder = join(proc, String(pid));
    const code = codeOf(() => read(`${folder}/fd`, pid, owners));
    if (code === null || code === 'ENOENT' || code === 'ESRCH') continue;
    if (!isKernelThread(folder)) failed.set(code, (failed.get(code) ?? 0) + 1);
  }
  return { owners, failed };
}

/** The error code of a call that fails in the kernel, null of one that does not. */
function codeOf(action: () => void): string | null {
  try {
    action();
    return null;
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string')
      return error.code;
    throw error;
  }
}

function readWithNode(folder: string, pid: number, owners: OwnerColumns): void {
  for (const name of readdirSync(folder)) {
    const link = linkOrNull(`${folder}/${name}`);
    const inode = link === null ? null : /^socket:\[(\d{1,10})\]$/.exec(link);
    if (inode !== null) addOwner(owners, pid, Number(name), Number(inode[1]));
  }
}

/** Null when the descriptor is closed by now. */
function linkOrNull(path: string): string | null {
  let link: string | null = null;
  const code = codeOf(() => (link = readlinkSync(path)));
  if (code !== null && code !== 'ENOENT' && code !== 'ESRCH')
    throw new KernelError('readlink', EACCES);
  return link;
}

/** Reads names and links into the same memory again and again: strings and objects would take longer than the kernel. */
function linkReader(libc: Libc): (folder: string, pid: number, owners: OwnerColumns) => void {
  const entries = foreignBuffer(ENTRIES_BYTES);
  const entriesAddress = libc.addressOf(entries);
  const link = foreignBuffer(LINK_BYTES);
  const linkAddress = libc.addressOf(link);

  const readFolder = (folder: number, pid: number, owners: OwnerColumns): void => {
    for (;;) {
      const length = libc.getdents64(folder, entries, ENTRIES_BYTES);
      if (length === 0) return;
      if (length < 0) throw new KernelError('getdents64', libc.errno());
      for (
        let at = 0;
        at < length;
        at += entries[at + RECORD_LENGTH_AT] | (entries[at + RECORD_LENGTH_AT + 1] << 8)
      ) {
        const fd = parseNumber(entries, at + NAME_AT, length);
        if (fd < 0) continue; // . and ..
        const linkLength = libc.readlinkat(
          folder,
          entriesAddress + at + NAME_AT,
          linkAddress,
          LINK_BYTES,
        );
        if (linkLength < 0) throwUnlessGone(libc.errno());
        const inode = linkLength < 0 ? -1 : parseSocketLink(link, linkLength);
        if (inode >= 0) addOwner(owners, pid, fd, inode);
      }
    }
  };
  return (path, pid, owners) => {
    const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      readFolder(folder, pid, owners);
    } finally {
      closeSync(folder);
    }
  };
}

function throwUnlessGone(errno: number): void {
  if (errno !== ENOENT && errno !== ESRCH) throw new KernelError('readlinkat', errno);
}

/** The inode in `socket:[INODE]`, or −1. */
function parseSocketLink(link: Uint8Array, length: number): number {
  for (let i = 0; i < LINK_START.length; i++) if (link[i] !== LINK_START[i]) return -1;
  return parseNumber(link, LINK_START.length, length);
}

/** The decimal number that begins here, or −1. */
function parseNumber(bytes: Uint8Array, from: number, end: number): number {
  let number = 0;
  let at = from;
  for (; at < end && bytes[at] >= ZERO && bytes[at] <= NINE; at++)
    number = number * 10 + bytes[at] - ZERO;
  return at === from ? -1 : number;
}
