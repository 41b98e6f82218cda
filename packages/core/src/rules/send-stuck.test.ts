import { expect, test } from 'vitest';
import { evidenceOf, processOf, type EvidenceSpec, type SocketSpec } from '../../test/evidence.ts';
import { threadIn, threadsSeen } from '../../test/threads.ts';
import { diagnose } from './diagnose.ts';
import { sendStuck } from './send-stuck.ts';

const sender = threadIn('sendto', { fd: 3, target: 'socket:[1]' });
const blocked = [processOf({ pid: 7, threads: threadsSeen(sender) })];

function stuck(ms: number, spec: Partial<SocketSpec> = {}): SocketSpec {
  const info = { lastDataSent: ms, lastDataRecv: ms, lastAckRecv: 20 };
  return { state: 'ESTABLISHED', sendQ: 4_194_304, timer: 'probe', info, ...spec };
}

function judge(sockets: readonly SocketSpec[], more: Partial<EvidenceSpec> = {}) {
  const owners = sockets.map((_, row) => ({ pid: 7, fd: row + 3, inode: row + 1 }));
  return diagnose(evidenceOf({ sockets, owners, ...more }), [sendStuck]).findings;
}

test('send-stuck names the bytes that wait, since when, and the thread that is blocked', () => {
  expect(judge([stuck(12_000)], { processes: blocked })).toMatchObject([
    {
      severity: 'warning',
      title: 'server (pid 7) cannot send: a peer does not read, 4,194,304 bytes wait',
      why: 'the receive window is zero: the peer\'s kernel is full of data that its program does not read; it probes, and as long as the peer answers, the kernel never gives up; thread 7 "server" is blocked in sendto on descriptor 3',
      oldest: { ms: 12_000, confidence: '=' },
    },
  ]);
});

test('send-stuck lets a reader pause: 10 s if it blocks a thread, 60 s if not', () => {
  expect(judge([stuck(9999)], { processes: blocked })).toEqual([]);
  expect(judge([stuck(59_999)])).toEqual([]);
  expect(judge([stuck(60_000)])).toHaveLength(1);
});

test('send-stuck is silent about data that is on its way', () => {
  expect(judge([stuck(90_000, { timer: 'retransmit' }), stuck(90_000, { sendQ: 0 })])).toEqual([]);
});

test('send-stuck says when the probes are not answered', () => {
  expect(judge([stuck(90_000, { retransmits: 3 })])[0].why).toContain('925 s (tcp_retries2 = 15)');
});

test('send-stuck goes by how long it was watched where there is no tcp_info', () => {
  const sockets = [stuck(0, { info: null })];
  const more = { first: sockets, processes: blocked };
  expect(judge(sockets, { ...more, windowMs: 10_000 })).toMatchObject([
    { oldest: { ms: 10_000, confidence: '≥' } },
  ]);
  expect(judge(sockets, { ...more, windowMs: 2000 })).toEqual([]);
});
