import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isKernelThread } from './kernel-thread.ts';

test('isKernelThread() reads the flags behind a name that holds spaces and parentheses', () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'lastack-stat-'));
  const isThread = (flags: number): boolean => {
    fs.writeFileSync(join(folder, 'stat'), `812 (a) b) S 2 0 0 0 -1 ${flags} 0 0\n`);
    return isKernelThread(folder);
  };
  expect(isThread(2129984)).toBe(true); // kthreadd, Linux 6.18
  expect(isThread(4194560)).toBe(false); // a shell, Linux 6.18
  fs.rmSync(folder, { recursive: true });
  expect(isKernelThread(folder)).toBe(false);
});

test('isKernelThread() takes our own process for none', () => {
  expect(isKernelThread('/proc/self')).toBe(false);
});
