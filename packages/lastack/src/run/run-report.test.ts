import { expect, test } from 'vitest';
import { runLines } from '../render/run-text.ts';
import type { Leak } from './leak.ts';
import { findingsOf, reaches } from './run-report.ts';

const PLACE = { file: '/app/cache.js', line: 42, function: 'connect' };

test('findingsOf() puts together what was made at one place to one peer, the gravest first', () => {
  const findings = findingsOf([
    leak({ kind: 'open-at-exit', ms: null }),
    leak({ fd: 12, ms: 2100.4 }),
    leak({ fd: 11, ms: 4000 }),
    leak({ fd: 13, stack: null }),
  ]);
  expect(findings).toMatchObject([
    { severity: 'leak', count: 2, oldestMs: 4000, owners: [{ pid: 7, fds: [11, 12] }] },
    { severity: 'leak', count: 1, created: null },
    { severity: 'warning', count: 1, oldestMs: null },
  ]);
  expect(findings.map((each) => reaches(each, 'leak'))).toEqual([true, true, false]);
});

test('findingsOf() calls a hundred critical, and leaves the ports of clients out', () => {
  const stack = { kind: 'accept', own: PLACE, frames: [] } as const;
  const leaks = Array.from({ length: 100 }, (_, i) =>
    leak({ fd: i, stack, peer: { address: '::1', port: 40_000 + i } }),
  );
  expect(findingsOf(leaks)).toMatchObject([{ severity: 'critical', peer: '::1', count: 100 }]);
  expect(findingsOf(leaks.slice(1))).toMatchObject([{ severity: 'leak', count: 99 }]);
});

test('runLines() is a table, or one line', () => {
  const findings = findingsOf([leak({}), leak({ kind: 'open-at-exit', ms: null, stack: null })]);
  expect(runLines(findings, [])).toEqual([
    'lastack: 2 sockets were left open',
    '  STATE               PEER           COUNT  FOR  CREATED AT',
    '  CLOSE-WAIT          10.0.3.7:6379  1      2s   /app/cache.js:42 connect',
    '  not closed at exit  10.0.3.7:6379  1      -    not recorded (neither Node 18+ nor Python 3.8+)',
  ]);
  expect(runLines([], [])).toEqual(['lastack: no socket was left open']);
  expect(runLines([], ['sockets could not be read: no'])).toEqual([
    'lastack: sockets could not be read: no',
  ]);
});

function leak(changes: Partial<Leak>): Leak {
  return {
    kind: 'close-wait',
    pid: 7,
    command: 'node',
    fd: 10,
    inode: 8123,
    peer: { address: '10.0.3.7', port: 6379 },
    ms: 2000,
    stack: { kind: 'connect', own: PLACE, frames: [] },
    ...changes,
  };
}
