import { stateOfKernel, type TcpState } from '../tcp/state.ts';
import type { SocketTable } from './table.ts';

export const AF_INET = 2;
export const AF_INET6 = 10;

/** `idiag_timer`: 1 retransmit, 2 keepalive, 3 TIME-WAIT, 4 zero-window probe (net/ipv4/inet_diag.c). */
export const TIMER_KINDS = ['none', 'retransmit', 'keepalive', 'time-wait', 'probe'] as const;
export type TimerKind = (typeof TIMER_KINDS)[number];

export function familyOf(table: SocketTable, row: number): number {
  return table.head[row] & 0xff;
}

export function kernelStateOf(table: SocketTable, row: number): number {
  return (table.head[row] >>> 8) & 0xff;
}

export function stateOf(table: SocketTable, row: number): TcpState {
  return stateOfKernel(kernelStateOf(table, row));
}

export function timerOf(table: SocketTable, row: number): TimerKind {
  return TIMER_KINDS[(table.head[row] >>> 16) & 0xff] ?? 'none';
}

/** Retransmissions without an answer, or probes sent. */
export function retransmitsOf(table: SocketTable, row: number): number {
  return table.head[row] >>> 24;
}

export function localPortOf(table: SocketTable, row: number): number {
  return swap16(table.ports[row] & 0xffff);
}

export function remotePortOf(table: SocketTable, row: number): number {
  return swap16(table.ports[row] >>> 16);
}

/** The socket's cookie as a number: the kernel counts them up from 1, far below 2^53. */
export function cookieOf(table: SocketTable, row: number): number {
  return table.cookieHigh[row] * 2 ** 32 + table.cookieLow[row];
}

/** The local address's bytes in network order: 4 of IPv4, 16 of IPv6. */
export function localBytesOf(table: SocketTable, row: number): Uint8Array {
  return addressBytes(table, row, table.source, 0);
}

/** The remote address's bytes in network order: 4 of IPv4, 16 of IPv6. */
export function remoteBytesOf(table: SocketTable, row: number): Uint8Array {
  return addressBytes(table, row, table.destination, 4);
}

function addressBytes(
  table: SocketTable,
  row: number,
  column: Uint32Array,
  offset6: number,
): Uint8Array {
  if (familyOf(table, row) !== AF_INET6) {
    return new Uint8Array(column.buffer, column.byteOffset + row * 4, 4);
  }
  const { buffer, byteOffset } = table.addresses6;
  return new Uint8Array(buffer, byteOffset + (table.source[row] * 8 + offset6) * 4, 16);
}

function swap16(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8);
}
