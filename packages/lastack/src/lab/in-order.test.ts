import { expect, test } from 'vitest';
import { inOrder } from './in-order.ts';

test('so many run at a time, and results come in the order of the items', async () => {
  const finish: (() => void)[] = [];
  let running = 0;
  let most = 0;
  const run = (item: number) => {
    running += 1;
    most = Math.max(most, running);
    return new Promise<number>((resolve) => {
      finish[item] = () => {
        running -= 1;
        resolve(item * 10);
      };
    });
  };
  const results: (readonly [number, number])[] = [];
  const all = (async () => {
    for await (const each of inOrder([0, 1, 2, 3], 2, run)) results.push(each);
  })();
  // The second ends first, and waits for the first; the third starts meanwhile.
  for (const item of [1, 2, 3, 0]) {
    while (finish[item] === undefined) await new Promise(setImmediate);
    finish[item]();
  }
  await all;
  expect(results).toEqual([
    [0, 0],
    [1, 10],
    [2, 20],
    [3, 30],
  ]);
  expect(most).toBe(2);
});

test('a task that fails ends the iteration with its error', async () => {
  const read = async () => {
    for await (const _ of inOrder([0], 1, () => Promise.reject(new Error('failed'))))
      expect.unreachable();
  };
  await expect(read()).rejects.toThrow('failed');
});
