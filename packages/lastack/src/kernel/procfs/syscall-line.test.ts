import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSyscall } from './syscall-line.ts';
import { systemCallsOf } from './system-calls.ts';
import { isClear } from './testing/is-clear.ts';

const X64 = systemCallsOf('x64');

/** As Linux 6.18.44 writes it: number, six arguments, stack pointer, program counter. */
function line(number: number, ...args: readonly string[]): string {
  const six = [...args, '0x0', '0x0', '0x0', '0x0', '0x0', '0x0'].slice(0, 6);
  return `${number} ${six.join(' ')} 0x7ffc50c27338 0x7ff9e6dc42ad\n`;
}

test('parseSyscall() names the call and its descriptor', () => {
  const cases = [
    { text: line(45, '0x7', '0x55d0'), name: 'recvfrom', fd: 7, childPid: null, pollfd: null },
    { text: line(0, '0xffffffff00000003'), name: 'read', fd: 3, childPid: null, pollfd: null },
    { text: line(0, '0xffffffff'), name: 'read', fd: null, childPid: null, pollfd: null },
    { text: line(61, '0x1f4'), name: 'wait4', fd: null, childPid: 500, pollfd: null },
    { text: line(61, '0xffffffffffffffff'), name: 'wait4', fd: null, childPid: null, pollfd: null },
    { text: line(247, '0x1', '0x1f4'), name: 'waitid', fd: null, childPid: 500, pollfd: null },
    { text: line(247, '0x3', '0x9'), name: 'waitid', fd: 9, childPid: null, pollfd: null },
    { text: line(7, '0x7f00', '0x1'), name: 'poll', fd: null, childPid: null, pollfd: 0x7f00 },
    { text: line(7, '0x7f00', '0x2'), name: 'poll', fd: null, childPid: null, pollfd: null },
    { text: line(999, '0x7'), name: 'syscall_999', fd: null, childPid: null, pollfd: null },
  ];
  for (const { text, ...call } of cases) {
    expect(parseSyscall(text, X64), text).toEqual({ kind: 'ok', value: { kind: 'call', ...call } });
  }
});

test('parseSyscall() tells runnable threads and those blocked outside of a call', () => {
  expect(parseSyscall('running\n', X64)).toEqual({ kind: 'ok', value: { kind: 'running' } });
  expect(parseSyscall('-1 0x7ffc 0x7ff9\n', X64)).toEqual({
    kind: 'ok',
    value: { kind: 'outside' },
  });
});

test('parseSyscall() takes any text for a call with numbers or says why not', () => {
  const word = fc
    .bigInt({ min: 0n, max: 2n ** 64n - 1n })
    .map((value) => `0x${value.toString(16)}`);
  const calls = fc
    .tuple(fc.integer({ min: -2, max: 600 }), fc.array(word, { maxLength: 9 }))
    .map(([number, words]) => [number, ...words].join(' '));
  fc.assert(
    fc.property(fc.oneof(fc.string(), calls), (text) => {
      expect(isClear(parseSyscall(text, X64), 'syscall')).toBe(true);
    }),
  );
});
