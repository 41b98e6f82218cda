import { expect, test } from 'vitest';
import { evidenceOf, processOf, type EvidenceSpec, type SocketSpec } from '../../test/evidence.ts';
import { threadIn, threadsSeen } from '../../test/threads.ts';
import { connectHanging } from './connect-hanging.ts';
import { diagnose } from './diagnose.ts';

function hanging(spec: Partial<SocketSpec> = {}): SocketSpec {
  return {
    state: 'SYN-SENT',
    local: '10.0.0.1:50000',
    remote: '10.0.3.7:6379',
    sendQ: 1,
    timer: 'retransmit',
    retransmits: 3,
    expires: 500,
    ...spec,
  };
}

function judge(sockets: readonly SocketSpec[], more: Partial<EvidenceSpec> = {}) {
  const owners = sockets.map((_, row) => ({ pid: 7, fd: row + 3, inode: row + 1 }));
  return diagnose(evidenceOf({ sockets, owners, ...more }), [connectHanging]).findings;
}

test('connect-hanging names holder, destination, age and when the kernel gives up', () => {
  const processes = [processOf({ pid: 7, threads: threadsSeen(threadIn('connect', { fd: 3 })) })];
  expect(judge([hanging(), hanging({ retransmits: 2 })], { processes })).toMatchObject([
    {
      severity: 'warning',
      title: 'server (pid 7) gets no answer from 10.0.3.7:6379: 2 connection attempts hang',
      why: 'the SYN and 3 repetitions brought neither a SYN-ACK nor an RST: the host is down, a firewall drops the packets, the route is wrong, or its accept queue is full; thread 7 "server" waits in a blocking connect; the kernel gives up after 131 s (tcp_syn_retries = 6)',
      oldest: { ms: 3500, confidence: '≈' },
      peers: [{ peer: '10.0.3.7:6379', count: 2 }],
    },
  ]);
});

test('connect-hanging is silent about an attempt whose SYN was lost once', () => {
  expect(judge([hanging({ retransmits: 1 }), hanging({ retransmits: 0 })])).toEqual([]);
});

test('connect-hanging speaks of an attempt that was watched for three seconds', () => {
  const sockets = [hanging({ retransmits: 0, timer: 'none' })];
  expect(judge(sockets, { first: sockets, windowMs: 3000 })).toMatchObject([
    { oldest: { ms: 3000, confidence: '≥' } },
  ]);
  expect(judge(sockets, { first: sockets, windowMs: 2999 })).toEqual([]);
});

test('connect-hanging makes a finding a destination, and one of many destinations', () => {
  const to = (last: number) => hanging({ remote: `10.0.3.${last}:80` });
  expect(judge([to(1), to(2), to(2)])).toHaveLength(2);
  expect(judge([to(1), to(2), to(3), to(4)])).toMatchObject([
    { sockets: 4, title: expect.stringContaining('4 destinations') },
  ]);
});

test('connect-hanging is critical from a hundred attempts on', () => {
  const [finding] = judge(Array.from({ length: 100 }, () => hanging()));
  expect(finding.severity).toBe('critical');
});
