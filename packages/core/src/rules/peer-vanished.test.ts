import { expect, test } from 'vitest';
import { evidenceOf, type EvidenceSpec, type SocketSpec } from '../../test/evidence.ts';
import { diagnose } from './diagnose.ts';
import { peerVanished } from './peer-vanished.ts';

const listener: SocketSpec = { state: 'LISTEN', local: '0.0.0.0:80', remote: '0.0.0.0:0' };

function closing(spec: Partial<SocketSpec> = {}): SocketSpec {
  return { state: 'FIN-WAIT-1', inode: 0, sendQ: 1, timer: 'retransmit', retransmits: 4, ...spec };
}

function open(spec: Partial<SocketSpec> = {}): SocketSpec {
  return {
    state: 'ESTABLISHED',
    local: '10.0.0.1:50000',
    remote: '10.0.0.2:6379',
    sendQ: 300,
    timer: 'retransmit',
    retransmits: 5,
    info: { lastDataSent: 6400, lastDataRecv: 9000, lastAckRecv: 9000 },
    ...spec,
  };
}

function times(count: number, spec: SocketSpec): SocketSpec[] {
  return Array.from({ length: count }, () => spec);
}

function judge(sockets: readonly SocketSpec[], more: Partial<EvidenceSpec> = {}) {
  const owners = sockets.map((_, row) => ({ pid: 7, fd: row + 3, inode: row + 1 }));
  return diagnose(evidenceOf({ sockets, owners, ...more }), [peerVanished]).findings;
}

test.each(['FIN-WAIT-1', 'LAST-ACK', 'CLOSING'] as const)(
  'peer-vanished speaks of a pile in %s and when the kernel gives it up',
  (state) => {
    const [finding, ...rest] = judge([listener, ...times(5, closing({ state }))]);
    expect(rest).toEqual([]);
    expect(finding).toMatchObject({
      severity: 'warning',
      title: '5 closed connections wait for a peer that has gone without a word',
      sockets: 5,
      oldest: { ms: 3000, confidence: '≥' },
      owners: [],
    });
    expect(finding.why).toContain(`5 in ${state}`);
    expect(finding.why).toContain('about 102 s (tcp_orphan_retries = 0)');
  },
);

test('peer-vanished is silent about single clients that vanish', () => {
  expect(judge([listener, ...times(4, closing())])).toEqual([]);
});

test('peer-vanished is silent about a FIN that was lost, or is on its way', () => {
  const sockets = [
    ...times(9, closing({ retransmits: 2 })),
    ...times(9, closing({ timer: 'none' })),
  ];
  expect(judge(sockets)).toEqual([]);
});

test('peer-vanished is silent about few among many that are well', () => {
  const well = (i: number): SocketSpec => ({ state: 'ESTABLISHED', remote: `10.1.0.${i}:4000` });
  const gone = (i: number) => closing({ remote: `10.2.0.${i}:4000` });
  const of = (count: number, make: (i: number) => SocketSpec) =>
    Array.from({ length: count }, (_, i) => make(i));
  expect(judge([listener, ...of(60, well), ...of(5, gone)])).toEqual([]);
  expect(judge([listener, ...of(50, well), ...of(5, gone)])).toHaveLength(1);
});

test('peer-vanished speaks of one host that is gone, however many others are well', () => {
  const well: SocketSpec = { state: 'ESTABLISHED', remote: '10.1.0.1:4000' };
  const sockets = [...times(200, well), ...times(5, closing({ remote: '10.2.0.1:4000' }))];
  expect(judge(sockets)).toMatchObject([{ sockets: 5 }]);
});

test('peer-vanished speaks of a single connection of ours whose data nobody acknowledges', () => {
  expect(judge([open()])).toMatchObject([
    {
      title: 'server (pid 7) still sends to 10.0.0.2:6379, which no longer answers (1 connection)',
      why: expect.stringContaining('nothing was heard for 9 s'),
      oldest: { ms: 6200, confidence: '≥' },
      owners: [{ pid: 7 }],
    },
  ]);
});

test('peer-vanished is silent about ordinary loss, and about a client that is gone', () => {
  expect(judge([open({ retransmits: 4 })])).toEqual([]);
  expect(judge([listener, open({ local: '10.0.0.1:80' })])).toEqual([]);
  expect(judge([listener, ...times(5, open({ local: '10.0.0.1:80' }))])).toHaveLength(1);
});
