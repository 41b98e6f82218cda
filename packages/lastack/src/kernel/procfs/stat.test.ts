import fc from 'fast-check';
import { printable } from '@lastack/core';
import { expect, test } from 'vitest';
import { parseStat } from './stat.ts';
import { isClear } from './testing/is-clear.ts';

/** Captured on Linux 6.18.44. */
const STAT =
  '5105 (cat) R 5095 5095 3548 0 -1 4194304 100 0 0 0 7 9 0 0 20 0 1 0 70514 3133440 394 18446744073709551615 1 1 1 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 1 1 1 1 1 1 1 0\n';

test('parseStat() reads state, parent, times and start', () => {
  expect(parseStat(STAT)).toEqual({
    kind: 'ok',
    value: {
      pid: 5105,
      command: 'cat',
      state: 'R',
      parentPid: 5095,
      userTicks: 7,
      systemTicks: 9,
      threads: 1,
      startTicks: 70514,
    },
  });
});

test('parseStat() finds the end of a name with spaces, parentheses and newlines', () => {
  for (const command of ['a b', ') R 1 (', '((', '', 'x) S 1 1', 'a\nb']) {
    const stat = parseStat(STAT.replace('cat', () => command));
    const value = { command: printable(command), parentPid: 5095, startTicks: 70514 };
    expect(stat).toMatchObject({ value });
  }
});

test('parseStat() takes any text for a stat with numbers or says why not', () => {
  const cut = fc.nat(STAT.length).map((length) => STAT.slice(0, length));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        cut,
        fc.string().map((text) => `1 (${text}) ${text}`),
      ),
      (text) => {
        expect(isClear(parseStat(text), 'stat')).toBe(true);
      },
    ),
  );
});
