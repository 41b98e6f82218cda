import { localPortOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { rowsInState } from './rows.ts';

/** Ports that somebody listens on, each in its network namespace. */
export interface Listeners {
  readonly rows: readonly number[];
  /** Whether the row's local port is one of them: then the connection came in. */
  isServed(row: number): boolean;
}

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
