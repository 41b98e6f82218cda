import { readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  failedRead,
  listProcNumbers,
  readProcBytes,
  readProcLink,
  readProcText,
} from './read-proc.ts';

test('readProcText() reads what readFileSync() reads', () => {
  const path = '/proc/self/limits';
  expect(readProcText(path)).toEqual({ kind: 'ok', value: readFileSync(path, 'utf8') });
});

test('readProcBytes() reads files that are longer than its buffer', () => {
  const path = process.execPath;
  const limit = 300_001;
  const read = readProcBytes(path, limit);
  expect(read.kind === 'ok' && read.value.equals(readFileSync(path).subarray(0, limit))).toBe(true);
});

test('a process that is gone is no error', () => {
  // Above the largest pid_max, 2^22.
  expect(readProcText('/proc/99999999/stat')).toEqual({ kind: 'gone' });
  expect(readProcLink('/proc/99999999/exe')).toEqual({ kind: 'gone' });
  expect(listProcNumbers('/proc/99999999/task')).toEqual({ kind: 'gone' });
});

test('listProcNumbers() lists descriptors in their order', () => {
  const fds = listProcNumbers('/proc/self/fd');
  expect(fds).toMatchObject({ kind: 'ok' });
  if (fds.kind !== 'ok') return;
  expect(fds.value.slice(0, 3)).toEqual([0, 1, 2]);
});

test('failedRead() says what was denied, and the remedy', () => {
  const error = Object.assign(new Error('denied'), { code: 'EACCES' });
  expect(failedRead('/proc/812/fd', error)).toEqual({
    kind: 'unavailable',
    reason: 'cannot read /proc/812/fd: permission denied',
    remedy: 'run as root',
  });
  expect(failedRead('/proc/812/fd', Object.assign(error, { code: 'EMFILE' }))).toMatchObject({
    remedy: 'raise the limit with ulimit -n',
  });
  expect(failedRead('/proc/812/fd', 'odd')).toMatchObject({
    reason: 'cannot read /proc/812/fd: odd',
  });
});

test('reading the descriptors of another user is unavailable, not empty', (ctx) => {
  if (process.getuid?.() === 0) ctx.skip('root may read everything');
  if (statSync('/proc/1').uid === process.getuid?.()) ctx.skip('process 1 is of the same user');
  expect(listProcNumbers('/proc/1/fd')).toMatchObject({
    kind: 'unavailable',
    remedy: 'run as root',
  });
});
