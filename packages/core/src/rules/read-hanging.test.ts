import { expect, test } from 'vitest';
import { evidenceOf, processOf, type EvidenceSpec, type SocketSpec } from '../../test/evidence.ts';
import { threadIn, threadsSeen } from '../../test/threads.ts';
import { unavailable } from '../evidence/observation.ts';
import { diagnose } from './diagnose.ts';
import { readHanging } from './read-hanging.ts';

const asked = { lastDataSent: 60_000, lastDataRecv: 65_000, lastAckRecv: 60_000 };
const client: SocketSpec = {
  state: 'ESTABLISHED',
  local: '10.0.0.1:50000',
  remote: '10.0.3.7:8080',
  info: asked,
};

function judge(
  socket: Partial<SocketSpec> = {},
  call = 'recvfrom',
  more: Partial<EvidenceSpec> = {},
) {
  const thread = threadIn(call, { fd: 3, target: 'socket:[1]' });
  const evidence = evidenceOf({
    sockets: [{ ...client, inode: 1, ...socket }],
    owners: [{ pid: 7, fd: 3, inode: 1 }],
    processes: [processOf({ pid: 7, threads: threadsSeen(thread) })],
    ...more,
  });
  return diagnose(evidence, [readHanging]).findings;
}

test('read-hanging names the peer, the thread, its call and since when', () => {
  expect(judge()).toMatchObject([
    {
      severity: 'warning',
      title: 'server (pid 7) waits for an answer of 10.0.3.7:8080, without a time-out',
      why: 'its request is acknowledged and nothing has come since; thread 7 "server" waits in recvfrom on descriptor 3: no time-out and no keepalive was set (60 s so far); this may be meant (a blocking pop, a long poll), but without keepalive nobody will notice that the peer has gone',
      oldest: { ms: 60_000, confidence: '=' },
    },
  ]);
});

test('read-hanging speaks of a connection on which nothing ever came', () => {
  const info = { lastDataSent: 10_000, lastDataRecv: 10_000, lastAckRecv: 10_000, dataSegsIn: 0 };
  expect(judge({ info })[0].why).toContain('nothing has ever come back');
});

test.each([
  ['an answer that may still come', { info: { ...asked, lastDataSent: 9999 } }],
  ['a subscription, where the peer spoke last', { info: { ...asked, lastDataRecv: 59_990 } }],
  ['a request of the same jiffy as the answer', { info: { ...asked, lastDataRecv: 60_009 } }],
  ['a connection that keepalive watches', { timer: 'keepalive' }],
  ['data that was not read', { recvQ: 9 }],
  ['a request that has not arrived', { sendQ: 9, timer: 'retransmit' }],
  ['a connection without tcp_info', { info: null }],
  ['a closing connection', { state: 'CLOSE-WAIT' }],
] as const)('read-hanging is silent about %s', (_, socket) => {
  expect(judge(socket)).toEqual([]);
});

test.each(['epoll_wait', 'poll', 'futex'])(
  'read-hanging is silent about a thread in %s',
  (call) => {
    expect(judge({}, call)).toEqual([]);
  },
);

test('read-hanging is silent about a server that waits for the next request', () => {
  const sockets: SocketSpec[] = [
    { ...client, inode: 1 },
    { state: 'LISTEN', local: '0.0.0.0:50000', remote: '0.0.0.0:0', inode: 2 },
  ];
  expect(judge({}, 'recvfrom', { sockets })).toEqual([]);
});

test('read-hanging does not know when system calls are hidden', () => {
  const callsHidden = unavailable('no permission', 'run as root');
  const threads = threadsSeen();
  if (threads.kind !== 'ok') throw new Error('threads are seen');
  const hidden = { kind: 'ok', value: { ...threads.value, callsHidden } } as const;
  const evidence = evidenceOf({
    sockets: [{ ...client, inode: 1 }],
    owners: [{ pid: 7, fd: 3, inode: 1 }],
    processes: [processOf({ pid: 7, threads: hidden })],
  });
  expect(diagnose(evidence, [readHanging])).toMatchObject({
    findings: [],
    unknown: [{ rule: 'read-hanging', remedy: 'run as root' }],
  });
});
