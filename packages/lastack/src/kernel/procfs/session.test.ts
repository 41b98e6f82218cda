import { expect, test } from 'vitest';
import { isInSession, readSession } from './session.ts';

test('isInSession() reads the session behind a name with anything in it', () => {
  expect(isInSession('812 (a) S 1 1 5) S 1 800 4711 0 -1', 4711)).toBe(true);
  expect(isInSession('812 (a) S 1 1 5) S 1 800 4711 0 -1', 800)).toBe(false);
});

test('isInSession() does not count what has ended', () => {
  expect(isInSession('812 (a) Z 1 800 4711 0 -1', 4711)).toBe(false);
});

test('isInSession() rejects what is no line of stat', () => {
  for (const text of ['', '812', '812 (a)', '812 (a) S']) expect(isInSession(text, 0)).toBe(false);
});

test('readSession() of nobody is empty', () => {
  expect(readSession('/proc', 4_194_999)).toEqual([]);
  expect(readSession('/nonexistent', 1)).toEqual([]);
});
