import type { PeerCount } from '../finding/finding.ts';
import { formatAddress } from '../socket/address.ts';
import { AF_INET6, familyOf, localPortOf, remoteBytesOf, remotePortOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { rowsInState } from './rows.ts';

/**
 * With whom the sockets were connected, the busiest first. A client's port says nothing, so it is left out where our end
 * is the server: its local port is one that somebody listens on.
 */
export function countPeers(rows: readonly number[], table: SocketTable): PeerCount[] {
  const listening = new Set<number>();
  for (const row of rowsInState(table, 'LISTEN')) listening.add(localPortOf(table, row));
  const counts = new Map<string, number>();
  for (const row of rows) {
    const address = formatAddress(remoteBytesOf(table, row));
    const peer = listening.has(localPortOf(table, row))
      ? address
      : `${familyOf(table, row) === AF_INET6 ? `[${address}]` : address}:${remotePortOf(table, row)}`;
    counts.set(peer, (counts.get(peer) ?? 0) + 1);
  }
  return [...counts]
    .map(([peer, count]) => ({ peer, count }))
    .toSorted((a, b) => b.count - a.count || (a.peer < b.peer ? -1 : 1));
}
