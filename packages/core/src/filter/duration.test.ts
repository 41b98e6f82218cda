import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDuration } from './duration.ts';

test('parseDuration() reads units from days to milliseconds, alone and together', () => {
  const cases = {
    '500ms': 500,
    '30s': 30_000,
    '5m': 300_000,
    '3h': 10_800_000,
    '2d': 172_800_000,
    '1h30m': 5_400_000,
    '1.5h': 5_400_000,
    '1d2h3m4s5ms': 93_784_005,
    '5m500ms': 300_500,
    '0s': 0,
  };
  for (const [text, ms] of Object.entries(cases)) expect(parseDuration(text), text).toBe(ms);
});

test('parseDuration() refuses what has no unit, a wrong one, or units out of order', () => {
  const cases = ['', '5', 'm', '5x', '-5m', '5 m', '30m1h', '1h1h', '.5h', '5M', '1e3s', 'ms'];
  for (const text of [...cases, `${'9'.repeat(400)}d`])
    expect(parseDuration(text), text).toBeNull();
});

test('parseDuration() returns null or whole milliseconds for any text', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const ms = parseDuration(text);
      expect(ms === null || (Number.isSafeInteger(ms) && ms >= 0)).toBe(true);
    }),
  );
});
