import { expect, test } from 'vitest';
import { givingUpClause, heldGivesUp, leastElapsedMs, orphanGivesUp } from './retransmission.ts';

const settings = (values: Record<string, string>) => ({ values, configured: [] });

test('heldGivesUp() is the 924.6 s of ip-sysctl.rst for 15 retries', () => {
  expect(heldGivesUp(null).afterMs).toBe(924_600);
  expect(givingUpClause(heldGivesUp(null))).toBe('about 925 s (tcp_retries2 = 15)');
  expect(heldGivesUp(settings({ 'net.ipv4.tcp_retries2': '8' })).afterMs).toBe(102_200);
});

test('orphanGivesUp() takes 0 for 8', () => {
  expect(orphanGivesUp(null)).toEqual({
    setting: 'tcp_orphan_retries',
    value: 0,
    afterMs: 102_200,
  });
});

test('leastElapsedMs() is what the repetitions take at the shortest RTO', () => {
  expect([0, 1, 2, 5].map(leastElapsedMs)).toEqual([0, 200, 600, 6200]);
});
