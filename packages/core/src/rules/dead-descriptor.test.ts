import { expect, test } from 'vitest';
import {
  evidenceOf,
  ownersOf,
  processOf,
  type EvidenceSpec,
  type OwnerSpec,
  type SocketSpec,
} from '../../test/evidence.ts';
import { seen } from '../evidence/observation.ts';
import { deadDescriptor } from './dead-descriptor.ts';
import { diagnose } from './diagnose.ts';

const CLOSED = 7;
const ESTABLISHED = 1;
const listener: SocketSpec = {
  state: 'LISTEN',
  local: '0.0.0.0:80',
  remote: '0.0.0.0:0',
  inode: 1,
};
const listening: OwnerSpec = { pid: 7, fd: 3, inode: 1, tcp: 10 };

function dead(fd: number, port = 6379): OwnerSpec {
  return { pid: 7, fd, inode: 1000 + fd, tcp: CLOSED | (port << 16) };
}

function judge(owners: readonly OwnerSpec[], more: Partial<EvidenceSpec> = {}) {
  const sockets = [listener];
  const evidence = evidenceOf({
    sockets,
    first: sockets,
    owners: [listening, ...owners],
    firstOwners: [listening, ...owners],
    ...more,
  });
  return diagnose(evidence, [deadDescriptor]);
}

test('dead-descriptor names process and descriptors of connections that are gone', () => {
  const { findings, unknown } = judge([dead(4), dead(5)]);
  expect(findings).toMatchObject([
    {
      severity: 'warning',
      title: 'server (pid 7) keeps 2 descriptors open whose connections are gone',
      why: expect.stringContaining('all 2 led to port 6379'),
      oldest: { ms: 2000, confidence: '≥' },
      owners: [{ pid: 7, fds: [4, 5] }],
    },
  ]);
  expect(unknown).toEqual([]);
});

test('dead-descriptor is silent about a socket that was never connected', () => {
  expect(judge([dead(4, 0)]).findings).toEqual([]);
});

test('dead-descriptor is silent about a connection that has died since the first look', () => {
  const firstOwners = [listening, { ...dead(4), tcp: ESTABLISHED | (6379 << 16) }];
  expect(judge([dead(4)], { firstOwners })).toEqual({ findings: [], unknown: [] });
});

test('dead-descriptor is silent about a descriptor that was opened after the sockets were read', () => {
  const young = { ...dead(4), tcp: ESTABLISHED | (6379 << 16) };
  expect(judge([young])).toEqual({ findings: [], unknown: [] });
});

test('dead-descriptor does not call a socket dead that the table shows alive', () => {
  const sockets: SocketSpec[] = [listener, { state: 'ESTABLISHED', inode: 1004 }];
  expect(judge([dead(4)], { sockets }).findings).toEqual([]);
});

test('dead-descriptor counts a bound socket that the kernel lists as CLOSED', () => {
  const sockets: SocketSpec[] = [listener, { state: 'CLOSED', inode: 1004 }];
  expect(judge([dead(4)], { sockets }).findings).toHaveLength(1);
});

test('dead-descriptor does not know after a single look', () => {
  const { findings, unknown } = judge([dead(4)], { first: undefined, firstOwners: undefined });
  expect(findings).toEqual([]);
  expect(unknown).toMatchObject([{ rule: 'dead-descriptor', remedy: 'look for longer: --for 2s' }]);
});

test('dead-descriptor believes a single look that finds many', () => {
  const many = Array.from({ length: 10 }, (_, i) => dead(10 + i));
  expect(judge(many, { firstOwners: undefined }).findings).toMatchObject([
    { sockets: 10, oldest: null },
  ]);
});

test('dead-descriptor does not know where descriptors were read as links', () => {
  const owners = seen(ownersOf([listening], { tcp: null, methodReason: 'BPF is not permitted' }));
  expect(judge([], { owners })).toMatchObject({
    findings: [],
    unknown: [{ reason: expect.stringContaining('BPF is not permitted') }],
  });
});

test.each([
  [
    'BPF is not permitted (run as root or with CAP_BPF and CAP_PERFMON)',
    'BPF is not permitted',
    'run as root or with CAP_BPF and CAP_PERFMON',
  ],
  [
    'this is a PID namespace (run in that of the host (docker run --pid=host))',
    'this is a PID namespace',
    'run in that of the host (docker run --pid=host)',
  ],
  ['BPF was refused (EPERM) (use another kernel)', 'BPF was refused (EPERM)', 'use another kernel'],
])('dead-descriptor says the remedy of %j once', (methodReason, reason, remedy) => {
  const owners = seen(ownersOf([listening], { tcp: null, methodReason }));
  const { unknown } = diagnose(evidenceOf({ sockets: [listener], owners }), [deadDescriptor]);
  expect(unknown).toEqual([
    {
      rule: 'dead-descriptor',
      reason: `descriptors were read as links, which do not tell a closed TCP socket from others: ${reason}`,
      remedy,
    },
  ]);
});

test('dead-descriptor does not know of a process without a socket in sight', () => {
  const owners = [dead(4)];
  expect(judge([], { owners, firstOwners: owners })).toMatchObject({
    findings: [],
    unknown: [{ remedy: 'look at all of them: --netns all' }],
  });
});

test.each([
  [1, 1],
  [2, 0],
])('dead-descriptor speaks of processes of namespaces that were read: %i', (netns, count) => {
  const owners = [dead(4)];
  const processes = [processOf({ pid: 7, netns })];
  const { findings, unknown } = judge([], { owners, firstOwners: owners, processes });
  expect(findings).toHaveLength(count);
  expect(unknown).toEqual([]);
});
