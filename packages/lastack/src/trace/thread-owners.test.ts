import { expect, test } from 'vitest';
import { readThreadOwner } from '../kernel/threads.ts';
import { createThreadOwners } from './thread-owners.ts';

test('readThreadOwner() gives the process of a thread, and null for none', () => {
  expect(readThreadOwner(process.pid)?.pid).toBe(process.pid);
  expect(readThreadOwner(0)).toBeNull();
});

test('a thread is asked for once until refresh(), and kept in mind when it has ended', () => {
  const answers = [{ pid: 1, command: 'sh' }, { pid: 1, command: 'node' }, null];
  let asked = 0;
  const owners = createThreadOwners(() => answers[asked++] ?? null);
  expect([owners.ownerOf(4)?.command, owners.ownerOf(4)?.command, asked]).toEqual(['sh', 'sh', 1]);
  owners.refresh();
  expect(owners.ownerOf(4)?.command).toBe('node');
  owners.refresh();
  expect(owners.ownerOf(4)?.command).toBe('node');
  expect(owners.ownerOf(5)).toBeNull();
});
