import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_OWNER, indexOwners, type OwnerIndex } from './owner-index.ts';

function index(inodes: readonly number[], count = inodes.length): OwnerIndex {
  const nothing = new Uint32Array(inodes.length);
  return indexOwners({
    count,
    pid: nothing,
    fd: nothing,
    inode: Uint32Array.from(inodes),
    tcp: null,
    commands: new Map(),
    method: 'bpf',
    methodReason: null,
    unreadable: [],
  });
}

test('an index of nothing finds nobody', () => {
  expect(index([]).firstOwner(0)).toBe(NO_OWNER);
  expect(index([]).firstOwner(8123)).toBe(NO_OWNER);
});

test('an inode that a fork shares has two holders, in the order of the table', () => {
  const owners = index([8123, 77, 8123]);
  expect(owners.firstOwner(8123)).toBe(0);
  expect(owners.nextOwner(0)).toBe(2);
  expect(owners.nextOwner(2)).toBe(NO_OWNER);
  expect([...owners.ownersOf(77)]).toEqual([1]);
});

test('rows beyond the count are not indexed', () => {
  expect([...index([1, 2], 1).ownersOf(2)]).toEqual([]);
});

test('ownersOf() finds exactly the rows that a Map finds', () => {
  const inode = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 0xffffffff }));
  fc.assert(
    fc.property(fc.array(inode, { maxLength: 300 }), fc.array(inode), (inodes, others) => {
      const expected = new Map<number, number[]>();
      for (const [row, inode] of inodes.entries()) {
        expected.set(inode, [...(expected.get(inode) ?? []), row]);
      }
      const owners = index(inodes);
      for (const inode of [...inodes, ...others]) {
        expect([...owners.ownersOf(inode)]).toEqual(expected.get(inode) ?? []);
      }
    }),
  );
});

test.each([1, 2, 64, 4096])('20,000 inodes %i apart are each found at their row', (step) => {
  const inodes = Array.from({ length: 20_000 }, (_, row) => row * step);
  const owners = index(inodes);
  expect(inodes.map((inode) => owners.firstOwner(inode))).toEqual([...inodes.keys()]);
});
