import { seen } from '@lastack/core';
import { expect, test } from 'vitest';
import { ownersOf, tableOf } from '../../../core/test/evidence.ts';
import { readNetns } from '../kernel/procfs/process-facts.ts';
import { ownersConcerned } from './owners-concerned.ts';

const table = tableOf([{ state: 'ESTABLISHED', inode: 5 }]);
const [here, ended] = [process.pid, 99_999_999];
const all = ownersOf([
  { pid: here, fd: 3, inode: 5 },
  { pid: here, fd: 4, inode: 6 },
  { pid: ended, fd: 3, inode: 7 },
]);
const owners = seen({ ...all, commands: new Map([[here, 'vitest']]) });
const readIn = (inode: number) =>
  ownersConcerned(owners, {
    table,
    netns: [{ inode, isOwn: true, name: null, problem: null }],
    method: 'sock_diag',
    methodReason: null,
  });

test('ownersConcerned() keeps all that is held in a namespace that was read', () => {
  expect(readIn(readNetns(`/proc/${here}/ns/net`) ?? 0)).toBe(owners);
});

test('ownersConcerned() keeps of processes elsewhere only what they hold of the sockets that were read', () => {
  expect(readIn(1)).toMatchObject({
    value: {
      count: 2,
      pid: Uint32Array.of(here, ended),
      fd: Uint32Array.of(3, 3),
      inode: Uint32Array.of(5, 7),
      tcp: Uint32Array.of(0, 0),
      commands: new Map([[here, 'vitest']]),
    },
  });
});
