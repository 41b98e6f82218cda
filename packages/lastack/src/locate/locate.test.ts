import { expect, test } from 'vitest';
import type { Location } from '@lastack/core';
import { mergeLocations } from './locate.ts';

const HELD: Location = {
  role: 'held',
  file: '/a.js',
  line: 4,
  function: 'serve',
  evidence: 'closure',
};

test('mergeLocations() says a line once, with the first of the names that sockets have there', () => {
  const names = ['kept[0]', 'kept[1]', 'kept[1]', 'kept[2]'];
  expect(mergeLocations(names.map((name) => ({ ...HELD, name })))).toEqual([
    { ...HELD, name: 'kept[0] and 2 more' },
  ]);
});

test('mergeLocations() puts what holds a socket before what would handle it, and the common before the rare', () => {
  const handled: Location = { ...HELD, role: 'handled' };
  const rare: Location = { ...HELD, line: 9 };
  const merged = mergeLocations([handled, rare, HELD, HELD]);
  expect(merged).toEqual([HELD, rare, handled]);
});
