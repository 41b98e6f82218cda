import { expect, test } from 'vitest';
import { serverRecord, traceRecord } from '../../test/trace-records.ts';
import { parseFilter } from '../filter/parse.ts';
import { createFollower } from './follower.ts';
import { createMatcher, unknownToTrace } from './matcher.ts';
import type { TraceRecord } from './trace-record.ts';

const NAMES = { port: () => null, device: () => null } as never;

function matches(text: string, ...records: readonly TraceRecord[]): boolean {
  const { follow } = createFollower();
  const matcher = createMatcher(parseFilter(text, NAMES));
  return (
    records
      .map((record) => {
        const transition = follow(record);
        return transition !== null && matcher(record, transition);
      })
      .at(-1) === true
  );
}

const CONNECT = traceRecord('CLOSED', 'SYN-SENT', { localPort: 0 });

test.each([
  ['', true],
  ['state syn-sent', true],
  ['state established', false],
  ['dport = :80', true],
  ['dport = :81', false],
  ['dst 127.0.0.1', true],
  ['src 10.0.0.1', false],
  ['netns = 5', true],
  ['netns = 6', false],
])('the filter "%s" on a connect(): %s', (text, expected) => {
  expect(matches(text, CONNECT)).toBe(expected);
});

test('the port that a socket had is matched after it was given back', () => {
  const established = traceRecord('SYN-SENT', 'ESTABLISHED');
  const closed = traceRecord('ESTABLISHED', 'CLOSED', { localPort: 0 });
  expect(matches('sport = :4000', CONNECT, established, closed)).toBe(true);
});

test('IPv6 addresses are matched', () => {
  const addresses = new Uint32Array(8);
  addresses[3] = 0x0100_0000;
  expect(matches('src [::1]', serverRecord('CLOSED', 'LISTEN', { family: 10, addresses }))).toBe(
    true,
  );
  expect(matches('src [::2]', serverRecord('CLOSED', 'LISTEN', { family: 10, addresses }))).toBe(
    false,
  );
});

test.each([
  ['sport = :1 or not state listen', true, null],
  ['netns = 1', true, null],
  ['netns = 1', false, 'netns'],
  ['uid = 1', true, 'uid'],
  ['age > 1s', true, 'age'],
  ['comm = x', true, 'pid and comm (use --pid)'],
  ['sendq > 0', true, 'sendq'],
])('unknownToTrace(%s, %s) is %s', (text, knowsNetns, expected) => {
  expect(unknownToTrace(parseFilter(text, NAMES), knowsNetns)).toBe(expected);
});
