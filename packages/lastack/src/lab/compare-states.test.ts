import { expect, test } from 'vitest';
import type { TcpState } from '@lastack/core';
import { compareStates } from './compare-states.ts';

const PORT = 7000;

function compare(expected: TcpState[], seen: TcpState[][], isComplete: boolean) {
  const histories = seen.map((states) => ({
    localPort: PORT,
    remotePort: 40_000,
    states: states.map((state, i) => ({ state, atMs: 1000 + i })),
  }));
  return compareStates(
    'server',
    { states: expected, source: 'model' },
    { histories, port: PORT, startedAt: 1000, isComplete },
  );
}

test('a traced side agrees only if every connection went through exactly these states', () => {
  const wanted: TcpState[] = ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT'];
  expect(compare(wanted, [wanted, wanted], true)).toMatchObject({
    agrees: true,
    observed: [{ count: 2 }],
  });
  expect(compare(wanted, [wanted, wanted.slice(0, 2)], true).agrees).toBe(false);
  expect(compare(wanted, [[...wanted, 'LAST-ACK']], true).agrees).toBe(false);
});

test('a sampled side may miss states in between, but not the last one, nor their order', () => {
  const wanted: TcpState[] = ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'];
  expect(compare(wanted, [['ESTABLISHED', 'CLOSED']], false).agrees).toBe(true);
  expect(compare(wanted, [['ESTABLISHED', 'CLOSE-WAIT']], false).agrees).toBe(false);
  expect(compare(wanted, [['CLOSE-WAIT', 'ESTABLISHED', 'CLOSED']], false).agrees).toBe(false);
});

test('a side that nobody saw agrees only where it was sampled and is closed', () => {
  expect(compare(['ESTABLISHED', 'CLOSED'], [], false).agrees).toBe(true);
  expect(compare(['ESTABLISHED', 'CLOSED'], [], true).agrees).toBe(false);
  expect(compare(['ESTABLISHED'], [], false).agrees).toBe(false);
});

test('Linux goes through FIN-WAIT-2 where the model takes FIN and acknowledgement at once', () => {
  const model: TcpState[] = ['ESTABLISHED', 'FIN-WAIT-1', 'TIME-WAIT'];
  const linux: TcpState[] = ['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT'];
  expect(compare(model, [linux], true).agrees).toBe(true);
  expect(compare(model, [['ESTABLISHED', 'FIN-WAIT-2', 'TIME-WAIT']], false).agrees).toBe(true);
});
