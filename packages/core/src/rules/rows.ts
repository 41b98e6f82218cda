import type { Since } from '../finding/finding.ts';
import type { Age } from '../socket/age.ts';
import { cookieOf, kernelStateOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { KERNEL_STATE, type TcpState } from '../tcp/state.ts';

export function rowsInState(table: SocketTable, state: TcpState): number[] {
  const wanted = KERNEL_STATE[state];
  const rows: number[] = [];
  for (let row = 0; row < table.count; row++)
    if (kernelStateOf(table, row) === wanted) rows.push(row);
  return rows;
}

/**
 * The sockets of an earlier look that were in a state, by `cookieOf()`: one that is in it still has been in it all the
 * time. (No state can be entered twice.)
 */
export function cookiesInState(table: SocketTable, state: TcpState): ReadonlySet<number> {
  return new Set(rowsInState(table, state).map((row) => cookieOf(table, row)));
}

/** The greatest age, with its confidence; null when no row tells. */
export function oldestOf(ages: Iterable<Age>): Since | null {
  let oldest: Since | null = null;
  for (const age of ages) {
    if (age.minMs === 0 && age.maxMs === null) continue;
    if (oldest !== null && age.minMs <= oldest.ms) continue;
    oldest = { ms: age.minMs, confidence: confidenceOf(age) };
  }
  return oldest;
}

function confidenceOf(age: Age): Since['confidence'] {
  if (age.exact) return '=';
  return age.maxMs === age.minMs ? '≈' : '≥';
}
