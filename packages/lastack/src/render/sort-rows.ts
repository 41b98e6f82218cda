import {
  ageOf,
  kernelStateOf,
  localBytesOf,
  localPortOf,
  remoteBytesOf,
  remotePortOf,
  type SocketTable,
} from '@lastack/core';
import type { RowView } from './row-view.ts';

/** Largest first for what grows with trouble, otherwise ascending. */
export const SORT_KEYS = ['age', 'recvq', 'sendq', 'state', 'local', 'remote', 'pid'] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/** The rows in the order of a key; equal ones stay as they are. */
export function sortRows(
  rows: Uint32Array,
  key: SortKey,
  table: SocketTable,
  view: RowView,
): Uint32Array {
  switch (key) {
    case 'age':
      return by(rows, (row) => -ageOf(table, row, view.age).minMs);
    case 'recvq':
      return by(rows, (row) => -table.recvQ[row]);
    case 'sendq':
      return by(rows, (row) => -table.sendQ[row]);
    case 'state':
      return by(rows, (row) => kernelStateOf(table, row));
    case 'local':
      return by(rows, (row) => endpoint(localBytesOf(table, row), localPortOf(table, row)));
    case 'remote':
      return by(rows, (row) => endpoint(remoteBytesOf(table, row), remotePortOf(table, row)));
    case 'pid':
      return by(rows, (row) => {
        const owner =
          table.inode[row] === 0 ? -1 : (view.owners?.firstOwner(table.inode[row]) ?? -1);
        return owner < 0 ? Number.MAX_SAFE_INTEGER : (view.owners?.table.pid[owner] ?? 0);
      });
    default:
      return key satisfies never;
  }
}

function by(rows: Uint32Array, keyOf: (row: number) => number | string): Uint32Array {
  const keyed = Array.from(rows, (row) => ({ row, key: keyOf(row) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return Uint32Array.from(keyed, ({ row }) => row);
}

/** Compares as numbers compare: IPv4 before IPv6, byte by byte, then by port. */
function endpoint(bytes: Uint8Array, port: number): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${bytes.length.toString(16)} ${digits} ${String(port).padStart(5, '0')}`;
}
