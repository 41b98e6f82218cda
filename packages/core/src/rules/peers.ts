import type { PeerCount } from '../finding/finding.ts';
import { formatAddress } from '../socket/address.ts';
import { AF_INET6, familyOf, remoteBytesOf, remotePortOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { incomingAmong } from './listeners.ts';

/** Above all ports. */
const NO_PORT = 65_536;

/**
 * With whom the sockets were connected, the busiest first. A client's port says nothing, so it is left out where our end
 * is the server.
 */
export function countPeers(rows: readonly number[], table: SocketTable): PeerCount[] {
  const isIncoming = incomingAmong(rows, table);
  const counts = new Map<number | string, { row: number; count: number }>();
  for (const row of rows) {
    const key = keyOf(table, row, isIncoming(row));
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { row, count: 1 });
    else known.count++;
  }
  return [...counts.values()]
    .map(({ row, count }) => ({
      peer: isIncoming(row) ? formatAddress(remoteBytesOf(table, row)) : remoteOf(table, row),
      count,
    }))
    .toSorted((a, b) => b.count - a.count || (a.peer < b.peer ? -1 : 1));
}

/** The same for the same peer, without its text: of 20,000 rows few differ. */
function keyOf(table: SocketTable, row: number, isIncoming: boolean): number | string {
  const port = isIncoming ? NO_PORT : table.ports[row] >>> 16;
  if (familyOf(table, row) !== AF_INET6) return table.destination[row] * 2 * NO_PORT + port;
  const { addresses6 } = table;
  const at = table.source[row] * 8 + 4;
  return `${addresses6[at]} ${addresses6[at + 1]} ${addresses6[at + 2]} ${addresses6[at + 3]} ${port}`;
}

/** `10.0.3.7:6379`, `[2001:db8::1]:6379`. */
export function remoteOf(table: SocketTable, row: number): string {
  const address = formatAddress(remoteBytesOf(table, row));
  return `${familyOf(table, row) === AF_INET6 ? `[${address}]` : address}:${remotePortOf(table, row)}`;
}

/** What a link of /proc/PID/fd refers to: of a socket in the table, its peer; anything else as it stands. */
export function describeTarget(target: string, table: SocketTable): string {
  const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
  const row = inode === undefined ? -1 : table.inode.indexOf(Number(inode));
  return row < 0 ? target : `the connection to ${remoteOf(table, row)}`;
}
