import { expect, test } from 'vitest';
import { tableOf } from '../../test/evidence.ts';
import { countPeers } from './peers.ts';

test('countPeers() counts clients by address and services by address and port, the busiest first', () => {
  const table = tableOf([
    { state: 'LISTEN', local: '0.0.0.0:80', remote: '0.0.0.0:0' },
    { state: 'ESTABLISHED', local: '10.0.0.1:80', remote: '10.0.0.9:40000' },
    { state: 'ESTABLISHED', local: '10.0.0.1:80', remote: '10.0.0.9:40001' },
    { state: 'ESTABLISHED', local: '10.0.0.1:5000', remote: '10.0.0.9:65535' },
    { state: 'ESTABLISHED', local: '10.0.0.1:5001', remote: '10.0.0.10:0' },
    { state: 'ESTABLISHED', local: '[2001:db8::1]:80', remote: '[2001:db8::2]:40000' },
    { state: 'ESTABLISHED', local: '[2001:db8::1]:80', remote: '[2001:db8::2]:40001' },
    { state: 'ESTABLISHED', local: '[2001:db8::1]:80', remote: '[2001:db8::2]:40002' },
    { state: 'ESTABLISHED', local: '[2001:db8::1]:5000', remote: '[2001:db8::2]:443' },
  ]);
  expect(countPeers([1, 2, 3, 4, 5, 6, 7, 8], table)).toEqual([
    { peer: '2001:db8::2', count: 3 },
    { peer: '10.0.0.9', count: 2 },
    { peer: '10.0.0.10:0', count: 1 },
    { peer: '10.0.0.9:65535', count: 1 },
    { peer: '[2001:db8::2]:443', count: 1 },
  ]);
});

test('countPeers() leaves out the ports of clients whose server listens no more', () => {
  const rows = [40_000, 40_001, 40_002, 40_003].map((port) => ({
    state: 'TIME-WAIT' as const,
    local: '10.0.0.1:80',
    remote: `10.0.0.9:${port}`,
  }));
  expect(countPeers([0, 1, 2, 3], tableOf(rows))).toEqual([{ peer: '10.0.0.9', count: 4 }]);
});
