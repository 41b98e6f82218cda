import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseExitNote } from './exit-notes.ts';

test('parseExitNote() reads a socket a line', () => {
  expect(parseExitNote('node\n19\t8123\t10.0.3.7\t6379\n20\t8124\t::1\t80\n', 7)).toMatchObject([
    { kind: 'open-at-exit', pid: 7, command: 'node', fd: 19, inode: 8123, ms: null },
    { fd: 20, inode: 8124, peer: { address: '::1', port: 80 } },
  ]);
});

test('parseExitNote() drops what was never connected, and garbage', () => {
  const note = 'no\u001B[2Jde\n19\t8123\t\t\n19\t8123\n20\t8124\t\u001B[2J\t80\n5\t6\t::1\t7\n';
  expect(parseExitNote(note, 7)).toMatchObject([{ command: 'no\uFFFD\uFFFD2Jde', fd: 5 }]);
  fc.assert(fc.property(fc.string(), (text) => Array.isArray(parseExitNote(text, 1))));
});
