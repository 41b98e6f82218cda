import fc from 'fast-check';
import { expect, test } from 'vitest';
import { traceRecord } from '../../test/trace-records.ts';
import { createDurations } from './durations.ts';
import { createFollower } from './follower.ts';
import { createSummarizer } from './summary.ts';

test('result() counts changes, times, ends and who closed first', () => {
  const { follow } = createFollower();
  const summary = createSummarizer();
  for (const record of [
    traceRecord('CLOSED', 'SYN-SENT'),
    traceRecord('SYN-SENT', 'ESTABLISHED', { atMs: 4 }),
    traceRecord('ESTABLISHED', 'CLOSE-WAIT', { atMs: 10 }),
    traceRecord('CLOSE-WAIT', 'LAST-ACK', { atMs: 11 }),
    traceRecord('LAST-ACK', 'CLOSED', { atMs: 12 }),
    traceRecord('CLOSED', 'SYN-SENT', { atMs: 20 }),
    traceRecord('SYN-SENT', 'CLOSED', { atMs: 22, error: 111 }),
    traceRecord('TIME-WAIT', 'LISTEN'),
  ]) {
    const transition = follow(record);
    if (transition !== null) summary.add(transition);
  }
  const { transitions, changes, times, closedFirst, endings, forbidden } = summary.result();
  expect([transitions, forbidden]).toEqual([8, 1]);
  expect(changes[0]).toEqual({ from: 'CLOSED', to: 'SYN-SENT', count: 2 });
  expect(times).toContainEqual({
    state: 'SYN-SENT',
    count: 2,
    medianMs: expect.closeTo(2, 1),
    p99Ms: 4,
    maxMs: 4,
  });
  expect(closedFirst).toEqual({ local: 0, remote: 1 });
  expect(endings).toEqual([
    { cause: 'receive ACK of FIN', count: 1 },
    { cause: 'receive RST', count: 1 },
  ]);
});

test('percentiles are nearest ranks, at most 0.8 % too high, the highest exact', () => {
  const ms = fc.double({ min: 1e-4, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(ms, { minLength: 1 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (all, share) => {
        const durations = createDurations();
        for (const each of all) durations.add(each);
        const sorted = all.toSorted((a, b) => a - b);
        const exact = sorted[Math.max(1, Math.ceil(share * all.length)) - 1];
        expect(durations.at(share)).toBeGreaterThanOrEqual(exact);
        expect(durations.at(share)).toBeLessThanOrEqual(exact * 1.008);
        expect(durations.at(1)).toBe(sorted.at(-1));
        expect(durations.count()).toBe(all.length);
      },
    ),
  );
});

test('clocks that disagree do no harm', () => {
  const durations = createDurations();
  for (const ms of [-5, 0, 1e300]) durations.add(ms);
  expect([durations.count(), durations.at(1)]).toEqual([3, 1e300]);
});
