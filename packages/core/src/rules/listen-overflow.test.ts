import { expect, test } from 'vitest';
import { evidenceOf, type EvidenceSpec, type SocketSpec } from '../../test/evidence.ts';
import { diagnose } from './diagnose.ts';
import { listenOverflow } from './listen-overflow.ts';

const OVERFLOWS = 'TcpExtListenOverflows';
const grown = { firstCounters: { [OVERFLOWS]: 5 }, counters: { [OVERFLOWS]: 12 }, windowMs: 2000 };

function listener(waiting: number, more: Partial<SocketSpec> = {}): SocketSpec {
  return { state: 'LISTEN', local: '0.0.0.0:443', recvQ: waiting, sendQ: 128, ...more };
}

function judge(spec: EvidenceSpec) {
  const owners = [{ pid: 7, fd: 3, inode: 1 }];
  return diagnose(evidenceOf({ owners, ...spec }), [listenOverflow]).findings;
}

test('listen-overflow names the listener whose queue is full, and its holder', () => {
  const [finding] = judge({ ...grown, sockets: [listener(129)] });
  expect(finding).toMatchObject({
    severity: 'critical',
    sockets: 1,
    owners: [{ pid: 7, fds: [3] }],
  });
  expect(finding.title).toBe(
    "7 connection attempts dropped in 2 s, because a listening socket's queue was full",
  );
  expect(finding.why).toContain(
    'port 443 has 129 waiting with a limit of 128, as its listen() asked for',
  );
});

test('listen-overflow says when the limit is that of the host', () => {
  const settings = { 'net.core.somaxconn': '128' };
  expect(judge({ ...grown, sockets: [listener(129)], settings })[0].why).toContain(
    'which is net.core.somaxconn',
  );
});

test('listen-overflow remembers a queue that was full at the first look', () => {
  const [finding] = judge({ ...grown, first: [listener(129)], sockets: [listener(0)] });
  expect(finding).toMatchObject({ severity: 'warning', rows: [0], owners: [{ pid: 7 }] });
});

test('listen-overflow warns of a burst that no look has met', () => {
  // A queue takes one more than its limit: with 128 of 128 there is room.
  const [finding] = judge({ ...grown, sockets: [listener(128)] });
  expect(finding).toMatchObject({ severity: 'warning', sockets: 0, owners: [] });
});

test('listen-overflow is silent about the listeners of another network namespace', () => {
  const [finding] = judge({ ...grown, sockets: [listener(129, { netns: 2 })], otherNetns: [2] });
  expect(finding.sockets).toBe(0);
});

test('listen-overflow speaks of handshakes that were dropped for want of room', () => {
  const name = 'TcpExtTCPReqQFullDrop';
  const [finding] = judge({ firstCounters: { [name]: 0 }, counters: { [name]: 3 } });
  expect(finding.why).toContain('TcpExtTCPReqQFullDrop +3');
});

test('listen-overflow is silent while no counter grows, however great it is', () => {
  const counters = { [OVERFLOWS]: 1000, TcpExtListenDrops: 1000 };
  expect(judge({ firstCounters: counters, counters, sockets: [listener(129)] })).toEqual([]);
  expect(judge({ counters, sockets: [listener(129)] })).toEqual([]);
});

test('listen-overflow is silent about drops for other reasons than a full queue', () => {
  expect(
    judge({ firstCounters: { TcpExtListenDrops: 0 }, counters: { TcpExtListenDrops: 9 } }),
  ).toEqual([]);
});

test('listen-overflow asks for a longer backlog where somaxconn allows one', () => {
  const settings = { 'net.core.somaxconn': '4096' };
  const [finding] = judge({ ...grown, sockets: [listener(6, { sendQ: 5 })], settings });
  expect(finding.why).toContain(
    'port 443 has 6 waiting with a limit of 5, as its listen() asked for, where net.core.somaxconn allows 4,096: raise the backlog of listen(), not somaxconn',
  );
  const said = JSON.stringify(finding.fix);
  expect(said).toContain('request_queue_size');
  expect(said).not.toContain('sysctl -w');
});

test('listen-overflow asks for a greater somaxconn where that is the bound of one', () => {
  const settings = { 'net.core.somaxconn': '128' };
  const sockets = [listener(129), listener(6, { sendQ: 5, local: '0.0.0.0:80' })];
  expect(JSON.stringify(judge({ ...grown, sockets, settings })[0].fix)).toContain('sysctl -w');
});

test('listen-overflow names the shortest backlogs when no look has met a full queue', () => {
  const settings = { 'net.core.somaxconn': '4096' };
  const sockets = [listener(0), listener(0, { sendQ: 5, local: '0.0.0.0:80' })];
  const [{ why, fix }] = judge({ ...grown, sockets, settings });
  expect(why).toContain(
    'the shortest limits, as listen() asked for, are those of port 80 (5), port 443 (128)',
  );
  expect(JSON.stringify(fix)).not.toContain('sysctl -w');
});
