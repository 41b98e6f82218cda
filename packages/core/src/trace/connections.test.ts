import { expect, test } from 'vitest';
import { serverRecord, traceRecord } from '../../test/trace-records.ts';
import { createConnections } from './connections.ts';
import { createFollower } from './follower.ts';
import type { TraceRecord } from './trace-record.ts';

/** @returns the states of what `add()` gave for the last record */
function statesAfter(records: readonly TraceRecord[]): string[] | undefined {
  const { follow } = createFollower();
  const connections = createConnections();
  const results = records.map((record) => {
    const transition = follow(record);
    return transition === null ? null : connections.add(transition);
  });
  return results.at(-1)?.map(({ socket, to }) => `${socket} ${to}`);
}

const BOTH = [
  serverRecord('CLOSED', 'LISTEN', { socket: 9 }),
  traceRecord('CLOSED', 'SYN-SENT', { localPort: 0, atMs: 1 }),
  traceRecord('SYN-SENT', 'ESTABLISHED', { atMs: 2 }),
  serverRecord('LISTEN', 'SYN-RECEIVED', { atMs: 3 }),
  serverRecord('SYN-RECEIVED', 'ESTABLISHED', { atMs: 4 }),
  traceRecord('ESTABLISHED', 'CLOSED', { atMs: 5 }),
];

test('add() puts both ends together, and waits for both to be over', () => {
  expect(statesAfter(BOTH)).toBeUndefined();
  const end = serverRecord('ESTABLISHED', 'CLOSED', { atMs: 6, error: 104 });
  expect(statesAfter([...BOTH, end])).toEqual([
    '1 SYN-SENT',
    '1 ESTABLISHED',
    '2 SYN-RECEIVED',
    '2 ESTABLISHED',
    '1 CLOSED',
    '2 CLOSED',
  ]);
});

test('one end is a connection, too, where the other is elsewhere', () => {
  const client = BOTH.filter(({ socket }) => socket === 1);
  expect(statesAfter(client)).toEqual(['1 SYN-SENT', '1 ESTABLISHED', '1 CLOSED']);
});
