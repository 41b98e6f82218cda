import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { UnreadableProcesses } from '@lastack/core';
import { foreignBuffer, type Libc } from './ffi.ts';
import { KernelError } from './kernel-error.ts';
import { addOwner, noOwners, type OwnerColumns } from './owner-columns.ts';
import { hiddenProcesses } from './hidepid.ts';

// Read first: fs/proc/fd.c. Each descriptor is a link in /proc/PID/fd; of a socket it says `socket:[INODE]`.

export interface FdLinks {
  /** Sockets of every kind: a link does not tell TCP from the others. */
  readonly owners: OwnerColumns;
  readonly unreadable: readonly UnreadableProcesses[];
}

export interface FdLinksOptions {
  /** `/proc`. */
  readonly proc: string;
  /** Null reads all processes. */
  readonly pids: ReadonlySet<number> | null;
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

/** PF_KTHREAD (include/linux/sched.h): such a task has no descriptors. */
const KERNEL_THREAD = 0x00200000;

/**
 * The sockets that descriptors refer to, from the links in /proc/PID/fd: 3.5 µs a descriptor through the FFI, without it 8.
 * Needs no privilege for the user's own processes. A process or descriptor that vanishes meanwhile is left out.
 *
 * @param libc null reads with node:fs
 */
export function readFdLinks(libc: Libc | null, { proc, pids }: FdLinksOptions): FdLinks {
  const owners = noOwners('without tcp');
  const read = libc === null ? readWithNode : linkReader(libc);
  const failed = new Map<string, number>();
  for (const pid of pids ?? listProcesses(proc)) {
    const folder = join(proc, String(pid));
    const code = codeOf(() => read(`${folder}/fd`, pid, owners));
    if (code === null || code === 'ENOENT' || code === 'ESRCH') continue;
    if (!isKernelThread(folder)) failed.set(code, (failed.get(code) ?? 0) + 1);
  }
  const unreadable = [...failed].map(([code, count]) => describeFailure(proc, code, count));
  const hidden = pids === null ? hiddenProcesses(proc) : null;
  return { owners, unreadable: hidden === null ? unreadable : [...unreadable, hidden] };
}

function listProcesses(proc: string): number[] {
  return readdirSync(proc).map(Number).filter(Number.isInteger);
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

/** Everybody may read stat, so that kernel threads do not count as processes that were not read. */
function isKernelThread(folder: string): boolean {
  try {
    const stat = readFileSync(`${folder}/stat`, 'latin1');
    const flags = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6];
    return (Number(flags) & KERNEL_THREAD) !== 0;
  } catch {
    return false;
  }
}

function describeFailure(proc: string, code: string, count: number): UnreadableProcesses {
  const whom = `reading ${proc}/PID/fd of ${count} process${count === 1 ? '' : 'es'}`;
  const isRoot = process.geteuid?.() === 0;
  const remedy = isRoot ? 'run with all capabilities, outside of a user namespace' : 'run as root';
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return { count, reason: `permission denied ${whom}`, remedy };
    case 'EMFILE':
    case 'ENFILE':
      return { count, reason: `no descriptor left for ${whom}`, remedy: 'raise ulimit -n' };
    default:
      return { count, reason: `${code} ${whom}`, remedy: 'check that /proc is mounted as procfs' };
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
