import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseOpenFilesLimit } from './limits.ts';

/** Captured on Linux 6.18.44, shortened. */
const LIMITS = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            1024                 524288               files     
Max locked memory         8388608              8388608              bytes     
`;

test('parseOpenFilesLimit() reads the soft limit', () => {
  expect(parseOpenFilesLimit(LIMITS)).toEqual({ kind: 'ok', value: 1024 });
});

test('parseOpenFilesLimit() reads "unlimited" as null', () => {
  const text = LIMITS.replace('1024 ', 'unlimited ');
  expect(parseOpenFilesLimit(text)).toEqual({ kind: 'ok', value: null });
});

test('parseOpenFilesLimit() rejects other text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(parseOpenFilesLimit(text).kind).toBe('unavailable');
    }),
  );
});
