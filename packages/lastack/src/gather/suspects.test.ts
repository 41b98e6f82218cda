import { expect, test } from 'vitest';
import { ownersOf, tableOf } from '../../../core/test/evidence.ts';
import { holdersOfUnserved, rankHolders } from './suspects.ts';

const table = tableOf([
  { state: 'ESTABLISHED', inode: 1 },
  { state: 'ESTABLISHED', inode: 2 },
  { state: 'CLOSE-WAIT', inode: 3 },
  { state: 'LISTEN', inode: 4, recvQ: 1 },
  { state: 'LISTEN', inode: 5 },
  { state: 'SYN-SENT', inode: 6 },
  { state: 'CLOSE-WAIT', inode: 0 },
]);
const owners = ownersOf([
  { pid: 10, fd: 3, inode: 1 },
  { pid: 10, fd: 4, inode: 2 },
  { pid: 11, fd: 3, inode: 3 },
  { pid: 11, fd: 9, inode: 77 },
  { pid: 12, fd: 3, inode: 4 },
  { pid: 13, fd: 3, inode: 5 },
  { pid: 14, fd: 3, inode: 6 },
]);

test('rankHolders() puts one socket that does not close before many that are well', () => {
  expect(rankHolders(table, owners)).toEqual([11, 12, 14, 10, 13]);
});

test('holdersOfUnserved() tells who has a FIN or a connection to answer, and all that they hold', () => {
  expect([...holdersOfUnserved(table, owners)]).toEqual([
    [
      11,
      new Map([
        [3, 3],
        [9, 77],
      ]),
    ],
    [12, new Map([[3, 4]])],
  ]);
});
