import { expect, test } from 'vitest';
import { evidenceOf, processOf, type EvidenceSpec, type SocketSpec } from '../../test/evidence.ts';
import { threadIn, threadsSeen } from '../../test/threads.ts';
import { seen } from '../evidence/observation.ts';
import { acceptBacklogStalled } from './accept-backlog-stalled.ts';
import { diagnose } from './diagnose.ts';

const listener: SocketSpec = {
  state: 'LISTEN',
  local: '0.0.0.0:8080',
  remote: '0.0.0.0:0',
  recvQ: 3,
  sendQ: 128,
  inode: 100,
  cookie: 100,
};
const asleep = processOf({
  pid: 7,
  threads: threadsSeen(threadIn('clock_nanosleep')),
});

function waiting(
  cookie: number,
  ms: number,
  state: SocketSpec['state'] = 'CLOSE-WAIT',
): SocketSpec {
  const info = { lastDataSent: ms, lastDataRecv: ms, lastAckRecv: ms };
  return { state, local: '10.0.0.1:8080', inode: 0, cookie, info };
}

function judge(sockets: readonly SocketSpec[], more: Partial<EvidenceSpec> = {}) {
  const owners = [{ pid: 7, fd: 3, inode: 100 }];
  const evidence = evidenceOf({ sockets, owners, processes: [asleep], ...more });
  return diagnose(evidence, [acceptBacklogStalled]).findings;
}

test('accept-backlog-stalled names the listener, the queue, who left and what the thread does', () => {
  const [finding] = judge([
    listener,
    waiting(1, 9000),
    waiting(2, 4000),
    waiting(3, 5000, 'ESTABLISHED'),
  ]);
  expect(finding).toMatchObject({
    severity: 'warning',
    title:
      'server (pid 7) does not accept: 3 connections wait on port 8080, where the queue holds 128, 2 of them already closed by their clients',
    why: 'instead of accepting, thread 7 "server" sleeps (clock_nanosleep)',
    sockets: 3,
    oldest: { ms: 9000, confidence: '≥' },
    owners: [{ pid: 7, fds: [3] }],
    rows: [0, 1, 2, 3],
  });
});

test('accept-backlog-stalled is critical when the queue is full', () => {
  const [finding] = judge([{ ...listener, sendQ: 3 }, waiting(1, 9000)]);
  expect(finding).toMatchObject({ severity: 'critical', why: expect.stringContaining('full') });
});

test('accept-backlog-stalled is silent about a queue that is just being served', () => {
  expect(judge([listener, waiting(1, 20, 'ESTABLISHED')])).toEqual([]);
  expect(judge([listener, waiting(1, 2999)])).toEqual([]);
});

test('accept-backlog-stalled is silent when other connections wait at the second look', () => {
  const first = [listener, waiting(1, 5, 'ESTABLISHED')];
  expect(judge([listener, waiting(2, 5, 'ESTABLISHED')], { first })).toEqual([]);
});

test('accept-backlog-stalled speaks when the same connection waits at both looks', () => {
  const first = [listener, waiting(1, 5, 'ESTABLISHED')];
  const sockets = [listener, waiting(1, 2005, 'CLOSE-WAIT')];
  expect(judge(sockets, { first })[0].oldest).toEqual({ ms: 2005, confidence: '≥' });
  expect(judge(sockets, { first, windowMs: 100 })).toEqual([]);
});

test('accept-backlog-stalled leaves out a listener whose queue was empty at the first look', () => {
  const first = [{ ...listener, recvQ: 0 }];
  expect(judge([listener, waiting(1, 9000)], { first })).toEqual([]);
});

test('accept-backlog-stalled says that accept fails for want of descriptors', () => {
  const full = processOf({ pid: 7, descriptors: seen({ open: 1024, limit: 1024 }) });
  const [finding] = judge([listener, waiting(1, 9000)], { processes: [full] });
  expect(finding.why).toContain('EMFILE');
});
