import { expect, test } from 'vitest';
import { parseCommand, readCommands } from './commands.ts';

test('parseCommand() keeps text and makes it safe to print', () => {
  const cases = [
    ['node\n', 'node'],
    ['kworker/0:1-ev\n', 'kworker/0:1-ev'],
    ['a b)c\n', 'a b)c'],
    ['déjà\n', 'déjà'],
    ['', ''],
    ['\x1b[31mred\n', '\uFFFD[31mred'],
    ['a\nb\n', 'a\uFFFDb'],
    ['\x7f\u0085\u2028', '\uFFFD\uFFFD\uFFFD'],
    ['ab\u202Edc', 'ab\uFFFDdc'],
  ];
  for (const [comm, text] of cases) expect(parseCommand(Buffer.from(comm))).toBe(text);
});

test('parseCommand() shows bytes that are not UTF-8 as U+FFFD, such as a character that the kernel cut', () => {
  expect(parseCommand(Buffer.from([0x61, 0xff, 0x62]))).toBe('a\uFFFDb');
  expect(parseCommand(Buffer.from('fourteen bytes é').subarray(0, 16))).toBe(
    'fourteen bytes \uFFFD',
  );
});

test('readCommands() leaves out processes that have ended', () => {
  const commands = readCommands('/proc', Uint32Array.of(process.pid, process.pid, 0x7fffffff));
  expect([...commands.keys()]).toEqual([process.pid]);
  expect(commands.get(process.pid)).toMatch(/\S/);
});
