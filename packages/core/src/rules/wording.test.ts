import { expect, test } from 'vitest';
import { grouped } from './wording.ts';

test.each([
  [0, '0'],
  [999, '999'],
  [1000, '1,000'],
  [123_456, '123,456'],
  [9_007_199_254_740_991, '9,007,199,254,740,991'],
  [-1234, '-1,234'],
])('grouped(%i) is %s', (count, text) => {
  expect(grouped(count)).toBe(text);
});
