import { localPortOf, remotePortOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { rowsInState } from './rows.ts';

/** Ports that somebody listens on, each in its network namespace. */
export interface Listeners {
  readonly rows: readonly number[];
  /** Whether the row's local port is one of them: then the connection came in. */
  isServed(row: number): boolean;
}

/** A client, too, may use one local port for two destinations. */
const LEAST_SHARING = 3;

const known = new WeakMap<SocketTable, Listeners>();

/** The listeners of a table; several rules ask, so they are kept as long as the table is. */
export function listenersOf(table: SocketTable): Listeners {
  let listeners = known.get(table);
  if (listeners === undefined) known.set(table, (listeners = findListeners(table)));
  return listeners;
}

function findListeners(table: SocketTable): Listeners {
  const keyOf = (row: number) => table.netns[row] * 65_536 + localPortOf(table, row);
  const rows = rowsInState(table, 'LISTEN');
  const ports = new Set(rows.map(keyOf));
  return { rows, isServed: (row) => ports.has(keyOf(row)) };
}

/**
 * Tells which of the rows are of connections that came in: somebody listens on the local port; or, where the listener has gone,
 * more of the rows share the local port than share the remote one. (A client's port is the ephemeral one.)
 */
export function incomingAmong(
  rows: readonly number[],
  table: SocketTable,
): (row: number) => boolean {
  const listeners = listenersOf(table);
  const local = new Map<number, number>();
  const remote = new Map<number, number>();
  for (const row of rows) {
    if (listeners.isServed(row)) continue;
    const [here, there] = [localPortOf(table, row), remotePortOf(table, row)];
    local.set(here, (local.get(here) ?? 0) + 1);
    remote.set(there, (remote.get(there) ?? 0) + 1);
  }
  return (row) => {
    const sharing = local.get(localPortOf(table, row)) ?? 0;
    return (
      listeners.isServed(row) ||
      (sharing >= LEAST_SHARING && sharing > (remote.get(remotePortOf(table, row)) ?? 0))
    );
  };
}
