import { expect, test } from 'vitest';
import { evidenceOf, type EvidenceSpec, type SocketSpec } from '../../test/evidence.ts';
import { diagnose } from './diagnose.ts';
import { timeWaitOverflow } from './time-wait-overflow.ts';

const OVERFLOW = 'TcpExtTCPTimeWaitOverflow';
const settings = { 'net.ipv4.tcp_max_tw_buckets': '100' };
const timeWait: SocketSpec = { state: 'TIME-WAIT', timer: 'time-wait', expires: 30_000, inode: 0 };

function judge(spec: EvidenceSpec) {
  return diagnose(evidenceOf({ windowMs: 2000, settings, ...spec }), [timeWaitOverflow]);
}

test('time-wait-overflow counts what was closed without TIME-WAIT in the window', () => {
  const { findings } = judge({
    firstCounters: { [OVERFLOW]: 10 },
    counters: { [OVERFLOW]: 52, SockstatTcpTw: 100 },
    sockets: [timeWait],
  });
  expect(findings).toMatchObject([{ severity: 'warning', sockets: 1 }]);
  expect(findings[0].title).toBe(
    '42 connections closed without TIME-WAIT in 2 s, because there are as many as may be kept',
  );
});

test('time-wait-overflow is silent about what happened before the window', () => {
  const counters = { [OVERFLOW]: 52, SockstatTcpTw: 20 };
  expect(judge({ firstCounters: counters, counters }).findings).toEqual([]);
});

test('time-wait-overflow says that one look shows no growth', () => {
  const { findings, unknown } = judge({ counters: { [OVERFLOW]: 52 } });
  expect(findings).toEqual([]);
  expect(unknown).toEqual([
    {
      rule: 'time-wait-overflow',
      reason: 'the counters were read only once',
      remedy: 'watch for longer: --for 2s',
    },
  ]);
});

test.each([
  [89, 0],
  [90, 1],
])('time-wait-overflow with %i of 100 TIME-WAITs gives %i findings', (count, findings) => {
  expect(judge({ counters: { SockstatTcpTw: count } }).findings.length).toBe(findings);
});

test('time-wait-overflow counts the table where the kernel does not', () => {
  const other = { ...timeWait, netns: 2 };
  const own = Array.from({ length: 95 }, () => timeWait);
  expect(judge({ sockets: own }).findings[0].sockets).toBe(95);
  expect(
    judge({ sockets: own.slice(9).concat(other, other, other), otherNetns: [2] }).findings,
  ).toEqual([]);
});
