import { expect, test } from 'vitest';
import type { Age } from '../socket/age.ts';
import { growthByAges, growthByCount } from './growth.ts';

function agesOf(...seconds: number[]): Age[] {
  return seconds.map((each) => ({ minMs: each * 1000, maxMs: each * 1000, exact: true }));
}

const burst = agesOf(...Array.from({ length: 30 }, () => 15));
const steady = agesOf(40, 36, 32, 28, 24, 20, 16, 12, 8, 4);

test('growthByAges() says nothing of a burst: a pool whose peer was restarted does not grow', () => {
  expect(growthByAges(burst, null, 0, 3000)).toBeNull();
  expect(
    growthByAges(agesOf(...Array.from({ length: 30 }, (_, i) => 15 - i / 100)), null, 0, 3000),
  ).toBeNull();
});

test('growthByAges() says nothing of a burst with a few sockets before and after it', () => {
  const ages = [...agesOf(50, 30, 4), ...burst];
  expect(growthByAges(ages, null, 0, 3000)).toBeNull();
});

test('growthByAges() says nothing of a burst in the window, whatever the window counted', () => {
  expect(growthByAges(burst, burst, 30_000, 3000)).toBeNull();
});

test('growthByAges() gives the rate of arrivals that are spread over the time, the oldest not counted', () => {
  expect(growthByAges(steady, null, 0, 4000)).toEqual({
    perMinute: 15,
    basis: 'ages',
    windowMs: 40_000,
  });
});

test('growthByAges() looks back for a minute at most', () => {
  const ages = [...steady, ...agesOf(58, 50, 3600, 7200)];
  expect(growthByAges(ages, null, 0, 4000)).toMatchObject({ windowMs: 60_000 });
});

test.each([
  ['one socket', agesOf(3600)],
  ['fewer than five arrivals', agesOf(40, 30, 20, 10, 5)],
  ['none in the last third', agesOf(40, 38, 36, 34, 30, 28, 26, 24)],
  ['what came within ten seconds', agesOf(12, 11, 10, 9, 8, 7, 6, 5, 4, 3)],
])('growthByAges() says nothing of %s', (_, ages) => {
  expect(growthByAges(ages, null, 0, 3000)).toBeNull();
});

test('growthByAges() counts what arrived in a window that is long enough', () => {
  const arrived = agesOf(4, 8, 16, 20, 28);
  expect(growthByAges([...burst, ...arrived], arrived, 33_000, 3000)).toEqual({
    perMinute: 10,
    basis: 'observed',
    windowMs: 33_000,
  });
  expect(growthByAges(burst, [], 33_000, 3000)?.perMinute).toBe(0);
  expect(growthByAges(burst, agesOf(5), 33_000, 3000)).toBeNull();
});

test('growthByCount() needs a window, and more than one arrival', () => {
  expect(growthByCount(null, 60_000)).toBeNull();
  expect(growthByCount(20, 9000)).toBeNull();
  expect(growthByCount(1, 60_000)).toBeNull();
  expect(growthByCount(2, 60_000)?.perMinute).toBe(2);
  expect(growthByCount(0, 60_000)?.perMinute).toBe(0);
});
