import { expect, test } from 'vitest';
import { evidenceOf, processOf, type EvidenceSpec, type SocketSpec } from '../../test/evidence.ts';
import { threadIn, threadsSeen } from '../../test/threads.ts';
import { diagnose } from './diagnose.ts';
import { finWait2Held } from './fin-wait-2-held.ts';

function half(quietMs: number, spec: Partial<SocketSpec> = {}): SocketSpec {
  const info = { lastDataSent: quietMs + 40, lastDataRecv: quietMs, lastAckRecv: quietMs };
  return { state: 'FIN-WAIT-2', local: '10.0.0.1:50000', remote: '10.0.0.2:80', info, ...spec };
}

function judge(sockets: readonly SocketSpec[], more: Partial<EvidenceSpec> = {}) {
  const owners = sockets.map((_, row) => ({ pid: 7, fd: row + 3, inode: row + 1 }));
  return diagnose(evidenceOf({ sockets, owners, ...more }), [finWait2Held]).findings;
}

test('fin-wait-2-held names holder, age and the read that waits', () => {
  const reader = threadIn('recvfrom', { fd: 3, target: 'socket:[1]' });
  const processes = [processOf({ pid: 7, threads: threadsSeen(reader) })];
  const [finding] = judge([half(20_000), half(60_000)], { processes });
  expect(finding).toMatchObject({
    severity: 'warning',
    title: 'server (pid 7) holds 2 half-closed connections that their peers do not finish',
    oldest: { ms: 60_000, confidence: '≥' },
    peers: [{ peer: '10.0.0.2:80', count: 2 }],
  });
  expect(finding.why).toContain('thread 7 "server" waits for that in recvfrom');
});

test('fin-wait-2-held is silent about an answer that still comes, or may come', () => {
  const streaming = { lastDataSent: 60_000, lastDataRecv: 20, lastAckRecv: 20 };
  expect(judge([half(9999), half(0, { info: streaming })])).toEqual([]);
  expect(judge([half(10_000)])).toHaveLength(1);
});

test('fin-wait-2-held is silent about a socket that was closed', () => {
  expect(judge([half(60_000, { inode: 0 })])).toEqual([]);
  expect(judge([half(60_000, { timer: 'time-wait', expires: 9000 })])).toEqual([]);
});

test('fin-wait-2-held goes by how long it was watched where there is no tcp_info', () => {
  const sockets = [half(0, { info: null })];
  expect(judge(sockets, { first: sockets, windowMs: 9999 })).toEqual([]);
  expect(judge(sockets, { first: sockets, windowMs: 10_000 })).toMatchObject([
    { oldest: { ms: 10_000, confidence: '≥' } },
  ]);
});
