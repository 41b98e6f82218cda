import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_OWNER, firstOwner, indexOwners, nextOwner, ownersOf } from './owner-index.ts';

function index(inodes: readonly number[]) {
  return indexOwners({ count: inodes.length, inode: Uint32Array.from(inodes) });
}

test('an index of nothing finds nobody', () => {
  expect(firstOwner(index([]), 0)).toBe(NO_OWNER);
  expect(firstOwner(index([]), 8123)).toBe(NO_OWNER);
});

test('an inode that a fork shares has two holders, in the order of the table', () => {
  const owners = index([8123, 77, 8123]);
  const first = firstOwner(owners, 8123);
  expect(first).toBe(0);
  expect(nextOwner(owners, first)).toBe(2);
  expect(nextOwner(owners, 2)).toBe(NO_OWNER);
  expect([...ownersOf(owners, 77)]).toEqual([1]);
});

test('rows beyond the count are not indexed', () => {
  const owners = indexOwners({ count: 1, inode: Uint32Array.from([1, 2]) });
  expect([...ownersOf(owners, 2)]).toEqual([]);
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
        expect([...ownersOf(owners, inode)]).toEqual(expected.get(inode) ?? []);
      }
    }),
  );
});

test('consecutive inodes, even ones and multiples of a power of two do not collide much', () => {
  for (const step of [1, 2, 64, 4096]) {
    const count = 20_000;
    const owners = index(Array.from({ length: count }, (_, row) => row * step));
    expect(longestRun(owners.slots), `step ${step}`).toBeLessThan(200);
  }
});

function longestRun(slots: Uint32Array): number {
  let longest = 0;
  let run = 0;
  for (const slot of slots) {
    run = slot === 0 ? 0 : run + 1;
    longest = Math.max(longest, run);
  }
  return longest;
}
