import {
  AF_INET,
  AF_INET6,
  localBytesOf,
  localPortOf,
  seen,
  SocketTableBuilder,
  stateOf,
  type Observation,
} from '@lastack/core';
import { listProcNumbers, readProcBytes, readProcLink } from '../../kernel/procfs/read-proc.ts';
import { parseTcpText } from '../../kernel/procfs/tcp-text.ts';

/** A listening socket. */
export interface Listener {
  readonly inode: number;
  readonly port: number;
  readonly isIpv6: boolean;
  /** It is bound to every address, or to a loopback one: it can be reached through loopback. */
  readonly onLoopback: boolean;
}

/** The kernel prints listening sockets first: 1 MB holds 7,000 of them, however many connections follow. */
const LISTENERS_BYTES = 1 << 20;
const NEWLINE = 0x0a;

/** The listening sockets of the network namespace that a process is in, by inode. */
export function readListeners(pid: number): Observation<ReadonlyMap<number, Listener>> {
  const listeners = new Map<number, Listener>();
  for (const [name, family] of [
    ['tcp', AF_INET],
    ['tcp6', AF_INET6],
  ] as const) {
    const text = readProcBytes(`/proc/${pid}/net/${name}`, LISTENERS_BYTES);
    if (text.kind === 'gone') continue;
    if (text.kind !== 'ok') return text;
    const parsed = parseListeners(text.value, family);
    if (parsed.kind !== 'ok') return parsed;
    for (const listener of parsed.value) listeners.set(listener.inode, listener);
  }
  return seen(listeners);
}

/** @param text the beginning of /proc/net/tcp or tcp6; a last row that was cut is left out */
export function parseListeners(
  text: Uint8Array,
  family: typeof AF_INET | typeof AF_INET6,
): Observation<readonly Listener[]> {
  const rows = text.subarray(0, text.lastIndexOf(NEWLINE) + 1);
  const parsed = parseTcpText(rows, family, 0, new SocketTableBuilder(0, false));
  if (parsed.kind !== 'ok') return parsed;
  const table = parsed.value;
  const listeners: Listener[] = [];
  for (let row = 0; row < table.count; row++) {
    if (stateOf(table, row) !== 'LISTEN') continue;
    const address = localBytesOf(table, row);
    listeners.push({
      inode: table.inode[row],
      port: localPortOf(table, row),
      isIpv6: family === AF_INET6,
      onLoopback: isAny(address) || isLoopback(address),
    });
  }
  return seen(listeners);
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

function isAny(address: Uint8Array): boolean {
  return address.every((byte) => byte === 0);
}

/** 127.0.0.0/8 or ::1. */
function isLoopback(address: Uint8Array): boolean {
  if (address.length === 4) return address[0] === 127;
  return address[15] === 1 && address.subarray(0, 15).every((byte) => byte === 0);
}
