import { expect, test } from 'vitest';
import type { TcpState } from '../tcp/state.ts';
import { arrowOf, causeOf, isMadeByCaller, type Cause, type Circumstances } from './cause.ts';

const QUIET: Circumstances = { error: 0, orphaned: false, unread: 0 };

function cause(from: TcpState, to: TcpState, seen: Partial<Circumstances> = {}): Cause {
  return causeOf(arrowOf(from, to), { ...QUIET, ...seen });
}

test('causeOf() names the one thing that takes an arrow', () => {
  expect(cause('CLOSED', 'SYN-SENT')).toBe('connect()');
  expect(cause('LISTEN', 'SYN-RECEIVED')).toBe('receive SYN');
  expect(cause('ESTABLISHED', 'CLOSE-WAIT')).toBe('receive FIN');
  expect(cause('FIN-WAIT-1', 'FIN-WAIT-2')).toBe('receive ACK of FIN');
  expect(cause('LISTEN', 'CLOSED')).toBe('close()');
});

test('causeOf() does not claim to know close() from shutdown()', () => {
  expect(cause('ESTABLISHED', 'FIN-WAIT-1')).toBe('shutdown(WR) or close()');
  expect(cause('CLOSE-WAIT', 'LAST-ACK')).toBe('shutdown(WR) or close()');
});

test.each<[number, Cause]>([
  [32, 'receive RST'],
  [104, 'receive RST'],
  [111, 'receive RST'],
  [110, 'time-out'],
  [103, 'killed in the kernel'],
  [113, 'unknown'],
])('causeOf() reads the error %i of an end as %s', (error, expected) => {
  expect(cause('ESTABLISHED', 'CLOSED', { error })).toBe(expected);
});

test('causeOf() tells a close with unread data from an abort', () => {
  expect(cause('ESTABLISHED', 'CLOSED', { unread: 1 })).toBe('data unread at close()');
  expect(cause('ESTABLISHED', 'CLOSED')).toBe('abort()');
  // The peer's FIN counts as a byte.
  expect(cause('CLOSE-WAIT', 'CLOSED', { unread: 1 })).toBe('abort()');
  expect(cause('CLOSE-WAIT', 'CLOSED', { unread: 2 })).toBe('data unread at close()');
});

test('causeOf() sees data that come after the close by the socket being nobody’s', () => {
  expect(cause('FIN-WAIT-2', 'CLOSED', { orphaned: true })).toBe('data after close()');
  expect(cause('FIN-WAIT-2', 'CLOSED', { unread: 3 })).toBe('data unread at close()');
});

test('causeOf() says unknown of an end without evidence', () => {
  const nothing = { error: null, orphaned: null, unread: null };
  expect(cause('ESTABLISHED', 'CLOSED', nothing)).toBe('unknown');
  expect(cause('FIN-WAIT-2', 'CLOSED', nothing)).toBe('unknown');
  expect(cause('LAST-ACK', 'CLOSED', nothing)).toBe('unknown');
});

test('isMadeByCaller() trusts the running process only where a system call makes the change', () => {
  const isMade = (from: TcpState, to: TcpState, seen: Partial<Circumstances> = {}) =>
    isMadeByCaller(arrowOf(from, to), cause(from, to, seen));
  expect(isMade('CLOSED', 'SYN-SENT')).toBe(true);
  expect(isMade('CLOSED', 'LISTEN')).toBe(true);
  expect(isMade('LISTEN', 'CLOSED')).toBe(true);
  expect(isMade('CLOSE-WAIT', 'LAST-ACK')).toBe(true);
  expect(isMade('ESTABLISHED', 'CLOSED')).toBe(true);
  expect(isMade('LISTEN', 'SYN-RECEIVED')).toBe(false);
  expect(isMade('SYN-SENT', 'ESTABLISHED')).toBe(false);
  expect(isMade('ESTABLISHED', 'CLOSE-WAIT')).toBe(false);
  expect(isMade('ESTABLISHED', 'CLOSED', { error: 104 })).toBe(false);
  expect(isMade('LAST-ACK', 'CLOSED')).toBe(false);
});
