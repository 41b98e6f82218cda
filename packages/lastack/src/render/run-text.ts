import { grouped, type Location } from '@lastack/core';
import { compactDuration } from './duration.ts';

/** What a finding of `lastack run` shows. */
export interface RunRow {
  readonly kind: 'close-wait' | 'open-at-exit';
  readonly peer: string;
  readonly count: number;
  readonly oldestMs: number | null;
  readonly created: Location | null;
}

const HEADER = ['STATE', 'PEER', 'COUNT', 'FOR', 'CREATED AT'];
const STATES = { 'close-wait': 'CLOSE-WAIT', 'open-at-exit': 'not closed at exit' };

/** The sockets that a command left open, as a table; one line where it left none. */
export function runLines(findings: readonly RunRow[], notes: readonly string[]): string[] {
  const problems = notes.map((note) => `lastack: ${note}`);
  if (findings.length === 0) {
    return notes.length > 0 ? problems : ['lastack: no socket was left open'];
  }
  const count = findings.reduce((sum, each) => sum + each.count, 0);
  const rows = [HEADER, ...findings.map(cellsOf)];
  const widths = HEADER.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return [
    `lastack: ${grouped(count)} ${count === 1 ? 'socket was' : 'sockets were'} left open`,
    ...rows.map((row) =>
      `  ${row.map((cell, column) => cell.padEnd(widths[column])).join('  ')}`.trimEnd(),
    ),
    ...problems,
  ];
}

function cellsOf({ kind, peer, count, oldestMs, created }: RunRow): string[] {
  return [
    STATES[kind],
    peer,
    grouped(count),
    oldestMs === null ? '-' : compactDuration(oldestMs),
    created === null
      ? 'not recorded (neither Node 18+ nor Python 3.8+)'
      : `${created.name === undefined ? '' : `${created.name}: `}${created.file}:${created.line} ${created.function}`,
  ];
}
