import { expect, test } from 'vitest';
import { synScheduleOf } from './syn-retries.ts';

const settings = (values: Record<string, string>) => ({ values, configured: [] });

test('synScheduleOf() gives up as Documentation/networking/ip-sysctl.rst says', () => {
  expect(synScheduleOf(null, '6.18.0').givesUpAfterMs).toBe(131_000);
  expect(synScheduleOf(null, '6.1.0').givesUpAfterMs).toBe(127_000);
});

test('synScheduleOf() follows the settings', () => {
  const { retries, givesUpAfterMs } = synScheduleOf(
    settings({ 'net.ipv4.tcp_syn_retries': '2', 'net.ipv4.tcp_syn_linear_timeouts': '0' }),
    '6.18.0',
  );
  expect([retries, givesUpAfterMs]).toEqual([2, 7000]);
});

test('synScheduleOf() tells the age of a connection attempt from its repetitions', () => {
  expect(synScheduleOf(null, '6.18.0').elapsedMs(3, 500)).toBe(3500);
  expect(synScheduleOf(null, '6.18.0').elapsedMs(6, 1000)).toBe(10_000);
  expect(synScheduleOf(null, '5.10.0').elapsedMs(2, 1000)).toBe(6000);
});
