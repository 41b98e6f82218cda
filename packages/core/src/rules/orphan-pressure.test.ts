import { expect, test } from 'vitest';
import { evidenceOf, type EvidenceSpec } from '../../test/evidence.ts';
import { diagnose } from './diagnose.ts';
import { orphanPressure } from './orphan-pressure.ts';

const ABORTED = 'TcpExtTCPAbortOnMemory';
const settings = { 'net.ipv4.tcp_max_orphans': '1000', 'net.ipv4.tcp_mem': '100 200 400' };
const calm = { SockstatTcpOrphan: 3, SockstatTcpMem: 20, [ABORTED]: 7 };

function judge(spec: EvidenceSpec) {
  return diagnose(evidenceOf({ windowMs: 2000, settings, firstCounters: calm, ...spec }), [
    orphanPressure,
  ]);
}

test('orphan-pressure counts the connections that no program holds', () => {
  const { findings } = judge({
    counters: { ...calm, SockstatTcpOrphan: 920 },
    sockets: [
      { state: 'FIN-WAIT-1', inode: 0, remote: '10.0.0.9:80' },
      { state: 'LAST-ACK', inode: 0, remote: '10.0.0.9:80' },
      { state: 'FIN-WAIT-1' },
      { state: 'FIN-WAIT-2', inode: 0, timer: 'time-wait' },
      { state: 'CLOSE-WAIT', inode: 0 },
    ],
  });
  expect(findings).toMatchObject([
    { severity: 'critical', sockets: 2, rows: [0, 1], peers: [{ peer: '10.0.0.9:80', count: 2 }] },
  ]);
  expect(findings[0].title).toContain('920 connections');
});

test.each([
  [499, undefined],
  [500, 'warning'],
  [899, 'warning'],
  [900, 'critical'],
])('orphan-pressure judges %i of 1,000 orphans as %s', (orphans, severity) => {
  const { findings } = judge({ counters: { ...calm, SockstatTcpOrphan: orphans } });
  expect(findings[0]?.severity).toBe(severity);
});

test.each([
  [199, undefined],
  [200, 'warning'],
  [360, 'critical'],
])('orphan-pressure judges %i pages of TCP memory as %s', (pages, severity) => {
  const { findings } = judge({ counters: { ...calm, SockstatTcpMem: pages } });
  expect(findings[0]?.severity).toBe(severity);
});

test('orphan-pressure is critical once connections are given up for it', () => {
  const { findings } = judge({ counters: { ...calm, SockstatTcpOrphan: 600, [ABORTED]: 19 } });
  expect(findings).toMatchObject([{ severity: 'critical' }]);
  expect(findings[0].why).toContain('12 connections were given up');
});

test('orphan-pressure speaks of connections given up in a burst that no look has met', () => {
  const { findings } = judge({ counters: { ...calm, [ABORTED]: 8 } });
  expect(findings[0].title).toContain('1 connection was given up');
});

test('orphan-pressure is silent on a busy host whose clients vanish', () => {
  expect(judge({ counters: { ...calm, TcpExtTCPAbortOnTimeout: 5000 } })).toEqual({
    findings: [],
    unknown: [],
  });
});

test('orphan-pressure says that the limits are not shown in a container', () => {
  const { unknown } = judge({ counters: calm, settings: {} });
  expect(unknown).toMatchObject([
    {
      reason:
        'net.ipv4.tcp_max_orphans and net.ipv4.tcp_mem are not shown in this network namespace',
    },
  ]);
});
