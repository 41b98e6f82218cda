import { expect, test } from 'vitest';
import { ownersOf, processOf, tableOf } from '../../test/evidence.ts';
import { indexOwners } from '../socket/owner-index.ts';
import { describeHolders, groupByHolders } from './holders.ts';

const table = tableOf(Array.from({ length: 6 }, () => ({ state: 'CLOSE-WAIT' as const })));

function group(owners: Parameters<typeof ownersOf>[0], parents: Readonly<Record<number, number>>) {
  const processes = new Map(
    Object.entries(parents).map(([pid, parentPid]) => [
      Number(pid),
      processOf({ pid: Number(pid), parentPid, command: 'worker' }),
    ]),
  );
  return groupByHolders([0, 1, 2, 3, 4, 5], table, indexOwners(ownersOf(owners)), processes);
}

test('groupByHolders() makes one group of the workers of one server', () => {
  const owners = [1, 2, 3, 4, 5, 6].map((inode) => ({ pid: 20 + inode, fd: 4, inode }));
  const groups = group(owners, { 21: 10, 22: 10, 23: 10, 24: 10, 25: 10, 26: 11 });
  expect(groups.map(({ rows }) => rows.length)).toEqual([5, 1]);
  expect(describeHolders(groups[0], table)).toBe('worker (pids 21, 22, 23 and 2 more)');
  expect(describeHolders(groups[1], table)).toBe('worker (pid 26)');
});

test('groupByHolders() keeps orphans apart: init is no server of theirs', () => {
  const owners = [1, 2].map((inode) => ({ pid: 20 + inode, fd: 4, inode }));
  expect(group(owners, { 21: 1, 22: 1 }).filter(({ owners }) => owners.length > 0)).toHaveLength(2);
});

test('groupByHolders() keeps what several processes share apart from what one holds', () => {
  const owners = [
    { pid: 21, fd: 4, inode: 1 },
    { pid: 22, fd: 4, inode: 1 },
    { pid: 21, fd: 5, inode: 2 },
  ];
  const groups = group(owners, { 21: 10, 22: 10 });
  expect(groups.map(({ rows }) => rows)).toContainEqual([0]);
  expect(groups.map(({ rows }) => rows)).toContainEqual([1]);
});

test('describeHolders() says what is known of a holder that was not seen', () => {
  const groups = group([], {});
  expect(describeHolders(groups[0], table)).toBe(
    'an unknown program of user 1000 on local port 80',
  );
});

test('groupByHolders() makes one group of the connections of an unseen client to one service', () => {
  const clients = tableOf(
    [50_000, 50_001, 50_002, 50_003, 50_004].map((port, i) => ({
      state: 'CLOSE-WAIT',
      local: `10.0.0.1:${port}`,
      remote: i === 4 ? '10.0.0.3:6379' : '10.0.0.2:5432',
      uid: i === 3 ? 1001 : 1000,
    })),
  );
  const groups = groupByHolders([0, 1, 2, 3, 4], clients, null, null);
  expect(groups.map(({ rows }) => rows)).toEqual([[0, 1, 2], [3], [4]]);
  expect(groups.map((each) => describeHolders(each, clients))).toEqual([
    'an unknown program of user 1000 connected to 10.0.0.2:5432',
    'an unknown program of user 1001 connected to 10.0.0.2:5432',
    'an unknown program of user 1000 connected to 10.0.0.3:6379',
  ]);
});
