import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseStatus } from './status.ts';

/** Captured on Linux 6.18.44, shortened. */
const STATUS = `Name:\tcat
Umask:\t0022
State:\tR (running)
Uid:\t1000\t0\t0\t0
Gid:\t0\t0\t0\t0
voluntary_ctxt_switches:\t12
nonvoluntary_ctxt_switches:\t34
`;

test('parseStatus() reads the real user and the voluntary switches', () => {
  expect(parseStatus(STATUS)).toEqual({ kind: 'ok', value: { uid: 1000, voluntarySwitches: 12 } });
});

test('parseStatus() tells missing switches from zero', () => {
  const text = STATUS.replace(/^voluntary.*\n/m, '');
  expect(parseStatus(text)).toEqual({ kind: 'ok', value: { uid: 1000, voluntarySwitches: null } });
});

test('parseStatus() rejects what has no user', () => {
  const garbage = fc.string().filter((text) => !/^Uid:\t\d/m.test(text));
  fc.assert(
    fc.property(garbage, (text) => {
      expect(parseStatus(text).kind).toBe('unavailable');
    }),
  );
});
