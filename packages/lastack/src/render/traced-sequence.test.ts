import { expect, test } from 'vitest';
import type { Cause, ObservedTransition, TcpState } from '@lastack/core';
import { sequenceLines } from './sequence-diagram.ts';
import { tracedSequence } from './traced-sequence.ts';

const CLIENT = { address: '10.0.0.1', port: 4000 };
const SERVER = { address: '10.0.0.2', port: 80 };

let clock = 0;

function change(
  side: 'client' | 'server',
  from: TcpState,
  to: TcpState,
  cause: Cause,
): ObservedTransition {
  const isClient = side === 'client';
  return {
    atMs: clock++,
    socket: isClient ? 1 : 2,
    netns: 1,
    local: isClient ? CLIENT : SERVER,
    remote: isClient ? SERVER : CLIENT,
    from,
    to,
    fromMs: null,
    cause,
    process: null,
    holder: null,
    closedFirst: null,
    acked: 0,
    received: 0,
    isAllowed: true,
  };
}

function drawn(...transitions: readonly ObservedTransition[]): string[] {
  return sequenceLines(tracedSequence(transitions)).map((line) =>
    line.replaceAll(/ +/g, ' ').trim(),
  );
}

test('a SYN-RECEIVED that is announced late stands beside its SYN', () => {
  expect(
    drawn(
      change('client', 'CLOSED', 'SYN-SENT', 'connect()'),
      change('client', 'SYN-SENT', 'ESTABLISHED', 'receive SYN ACK'),
      change('server', 'LISTEN', 'SYN-RECEIVED', 'receive SYN'),
      change('server', 'SYN-RECEIVED', 'ESTABLISHED', 'receive ACK'),
    ).map((line) => line.replaceAll(/[\d.]+ ms /g, '').replaceAll(/─+/g, '─')),
  ).toEqual([
    '10.0.0.1:4000 10.0.0.2:80',
    'SYN-SENT ─ SYN ─▶ SYN-RECEIVED',
    'ESTABLISHED ◀─ SYN ACK ─',
    '─ ACK ─▶ ESTABLISHED',
  ]);
});

test('segments that cross are drawn as they left and as they came', () => {
  const { rows } = tracedSequence([
    change('client', 'ESTABLISHED', 'FIN-WAIT-1', 'shutdown(WR) or close()'),
    change('server', 'ESTABLISHED', 'FIN-WAIT-1', 'shutdown(WR) or close()'),
    change('client', 'FIN-WAIT-1', 'CLOSING', 'receive FIN'),
    change('server', 'FIN-WAIT-1', 'CLOSING', 'receive FIN'),
  ]);
  expect(rows.map(({ left, right, arrow }) => [left, arrow?.from, arrow?.part, right])).toEqual([
    ['FIN-WAIT-1', 'left', 'sent', ''],
    ['CLOSING', 'right', 'whole', 'FIN-WAIT-1'],
    ['', 'left', 'arrives', 'CLOSING'],
  ]);
});

test('one end alone shows what it sent and received', () => {
  const { rows } = tracedSequence([
    change('server', 'ESTABLISHED', 'CLOSE-WAIT', 'receive FIN'),
    change('server', 'CLOSE-WAIT', 'LAST-ACK', 'shutdown(WR) or close()'),
    change('server', 'LAST-ACK', 'CLOSED', 'receive ACK of FIN'),
  ]);
  expect(rows.map(({ left, arrow }) => [left, arrow?.from, arrow?.label])).toEqual([
    ['CLOSE-WAIT', 'right', 'FIN'],
    ['LAST-ACK', 'left', 'FIN'],
    ['CLOSED', 'right', 'ACK'],
  ]);
});

test('a time-out sends nothing, an abort a RST', () => {
  const arrowOf = (cause: Cause) =>
    tracedSequence([change('client', 'ESTABLISHED', 'CLOSED', cause)]).rows[0].arrow?.label;
  expect([arrowOf('time-out'), arrowOf('abort()'), arrowOf('unknown')]).toEqual([
    undefined,
    'RST',
    undefined,
  ]);
});
