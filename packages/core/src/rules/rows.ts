import type { Since } from '../finding/finding.ts';
import type { Age } from '../socket/age.ts';
import { cookieOf, kernelStateOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { KERNEL_STATE, stateOfKernel, type TcpState } from '../tcp/state.ts';

export function rowsInState(table: SocketTable, state: TcpState): number[] {
  const wanted = KERNEL_STATE[state];
  const rows: number[] = [];
  for (let row = 0; row < table.count; row++)
    if (kernelStateOf(table, row) === wanted) rows.push(row);
  return rows;
}

/** How many of the rows are in each state, the most frequent first. */
export function countStates(rows: readonly number[], table: SocketTable): [TcpState, number][] {
  const byNumber = new Uint32Array(256);
  for (const row of rows) byNumber[kernelStateOf(table, row)]++;
  const counts = new Map<TcpState, number>();
  for (const [number, count] of byNumber.entries()) {
    if (count === 0) continue;
    const state = stateOfKernel(number);
    counts.set(state, (counts.get(state) ?? 0) + count);
  }
  return [...counts].toSorted(([, a], [, b]) => b - a);
}

/** What names a socket at every look: its cookie; its inode, below 0, where the text files of procfs gave none. */
export function nameOf(table: SocketTable, row: number): number {
  const cookie = cookieOf(table, row);
  return cookie === 0 ? -table.inode[row] : cookie;
}

/**
 * The sockets of an earlier look that were in a state, by `nameOf()`: one that is in it still has been in it all the
 * time. (No state can be entered twice.)
 */
export function namesInState(table: SocketTable, state: TcpState): ReadonlySet<number> {
  return new Set(rowsInState(table, state).map((row) => nameOf(table, row)));
}

/**
 * Which of a few rows were there at an earlier look already.
 * @param wasSo whether the row of the earlier table counts; default: if it was in the same state
 */
export function seenBefore(
  first: SocketTable | null,
  table: SocketTable,
  rows: readonly number[],
  wasSo: (earlier: number, row: number) => boolean = (earlier, row) =>
    first !== null && kernelStateOf(first, earlier) === kernelStateOf(table, row),
): ReadonlySet<number> {
  const seen = new Set<number>();
  if (first === null || rows.length === 0) return seen;
  const rowOfName = new Map(rows.map((row) => [nameOf(table, row), row]));
  for (let earlier = 0; earlier < first.count; earlier++) {
    const row = rowOfName.get(nameOf(first, earlier));
    if (row !== undefined && wasSo(earlier, row)) seen.add(row);
  }
  return seen;
}

/** An age raised to a time for which the socket was watched in its state. */
export function atLeast(age: Age, ms: number): Age {
  return age.minMs >= ms ? age : { minMs: ms, maxMs: age.maxMs, exact: false };
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
