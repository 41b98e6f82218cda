import {
  AF_INET,
  AF_INET6,
  formatAddress,
  localBytesOf,
  localPortOf,
  maskOfStates,
  seen,
  SocketTableBuilder,
  stateOf,
  type Observation,
  type SocketTable,
} from '@lastack/core';
import { loadLibc, type Libc } from '../../kernel/ffi.ts';
import { KernelError } from '../../kernel/kernel-error.ts';
import { SockDiag } from '../../kernel/netlink/sock-diag.ts';
import { inNetns } from '../../kernel/netns.ts';
import { readNetns } from '../../kernel/procfs/process-facts.ts';
import { listProcNumbers, readProcBytes, readProcLink } from '../../kernel/procfs/read-proc.ts';
import { parseTcpText } from '../../kernel/procfs/tcp-text.ts';

/** A listening socket. */
export interface Listener {
  readonly inode: number;
  readonly port: number;
  /** The address to connect to: its own, or loopback if it listens on all. */
  readonly host: string;
}

/** The kernel prints listening sockets first: 1 MB holds 7,000 of them, however many connections follow. */
const LISTENERS_BYTES = 1 << 20;
const NEWLINE = 0x0a;

/**
 * The listening sockets of the network namespace that a process is in, by inode: from sock_diag, which is asked for them
 * alone, or from /proc/PID/net, where the kernel takes up to 100 ms to find that nothing else follows.
 */
export function readListeners(pid: number): Observation<ReadonlyMap<number, Listener>> {
  const libc = loadLibc();
  const table = libc.kind === 'ok' ? dumpListeners(libc.value, pid) : null;
  if (table !== null) return seen(byInode(listenersOf(table)));
  const listeners: Listener[] = [];
  for (const [name, family] of [
    ['tcp', AF_INET],
    ['tcp6', AF_INET6],
  ] as const) {
    const text = readProcBytes(`/proc/${pid}/net/${name}`, LISTENERS_BYTES);
    if (text.kind === 'gone') continue;
    if (text.kind !== 'ok') return text;
    const parsed = parseListeners(text.value, family);
    if (parsed.kind !== 'ok') return parsed;
    listeners.push(...parsed.value);
  }
  return seen(byInode(listeners));
}

function dumpListeners(libc: Libc, pid: number): SocketTable | null {
  try {
    const path = `/proc/${pid}/ns/net`;
    const isOwn = readNetns(path) === readNetns('/proc/self/ns/net');
    const open = (): SockDiag => new SockDiag(libc);
    const opened = isOwn ? seen(open()) : inNetns(libc, path, open);
    if (opened.kind !== 'ok') return null;
    using diag = opened.value;
    const table = new SocketTableBuilder(0, false);
    diag.dump({ states: maskOfStates(['LISTEN']) }, 0, table);
    return table;
  } catch (error) {
    if (error instanceof KernelError) return null;
    throw error;
  }
}

function byInode(listeners: readonly Listener[]): ReadonlyMap<number, Listener> {
  return new Map(listeners.map((listener) => [listener.inode, listener]));
}

/** @param text the beginning of /proc/net/tcp or tcp6; a last row that was cut is left out */
export function parseListeners(
  text: Uint8Array,
  family: typeof AF_INET | typeof AF_INET6,
): Observation<readonly Listener[]> {
  const rows = text.subarray(0, text.lastIndexOf(NEWLINE) + 1);
  const parsed = parseTcpText(rows, family, 0, new SocketTableBuilder(0, false));
  return parsed.kind === 'ok' ? seen(listenersOf(parsed.value)) : parsed;
}

function listenersOf(table: SocketTable): readonly Listener[] {
  const listeners: Listener[] = [];
  for (let row = 0; row < table.count; row++) {
    if (stateOf(table, row) !== 'LISTEN') continue;
    listeners.push({
      inode: table.inode[row],
      port: localPortOf(table, row),
      host: hostOf(localBytesOf(table, row)),
    });
  }
  return listeners;
}

function hostOf(address: Uint8Array): string {
  if (address.some((byte) => byte !== 0)) return formatAddress(address);
  return address.length === 4 ? '127.0.0.1' : '::1';
}

/** Inodes of the sockets that a process has open. */
export function readSocketInodes(pid: number): ReadonlySet<number> {
  const inodes = new Set<number>();
  const fds = listProcNumbers(`/proc/${pid}/fd`);
  for (const fd of fds.kind === 'ok' ? fds.value : []) {
    const link = readProcLink(`/proc/${pid}/fd/${fd}`);
    const inode = link.kind === 'ok' ? /^socket:\[(\d+)\]$/.exec(link.value)?.[1] : undefined;
    if (inode !== undefined) inodes.add(Number(inode));
  }
  return inodes;
}
