import { expect, test } from 'vitest';
import {
  evidenceOf,
  processOf,
  type EvidenceSpec,
  type OwnerSpec,
  type SocketSpec,
} from '../../test/evidence.ts';
import { threadIn, threadsSeen } from '../../test/threads.ts';
import { seen } from '../evidence/observation.ts';
import { diagnose } from './diagnose.ts';
import { inheritedSocket } from './inherited-socket.ts';

const quiet = { lastDataSent: 5000, lastDataRecv: 5000, lastAckRecv: 5000 };
const listener: SocketSpec = {
  state: 'LISTEN',
  local: '0.0.0.0:80',
  remote: '0.0.0.0:0',
  inode: 1,
};
const accepted: SocketSpec = { state: 'ESTABLISHED', inode: 2, info: quiet };
const outgoing: SocketSpec = { ...accepted, local: '10.0.0.1:50000', remote: '10.0.0.2:6379' };
const parent = { pid: 7, fd: 4, inode: 2 };
const child = { pid: 8, fd: 4, inode: 2 };
const parentListens = { pid: 7, fd: 3, inode: 1 };
const python = seen('/usr/bin/python3');
const sleep = processOf({
  pid: 8,
  parentPid: 7,
  command: 'sleep',
  executable: seen('/usr/bin/sleep'),
  threads: threadsSeen(threadIn('clock_nanosleep')),
});

function judge(
  sockets: readonly SocketSpec[],
  owners: readonly OwnerSpec[],
  more: Partial<EvidenceSpec> = {},
) {
  const processes = [
    processOf({ pid: 7, executable: python }),
    processOf({ pid: 8, parentPid: 7, executable: python }),
    processOf({ pid: 9, parentPid: 7, executable: python }),
  ];
  const evidence = evidenceOf({ sockets, owners, processes, ...more });
  return diagnose(evidence, [inheritedSocket]).findings;
}

test('inherited-socket names all holders of a connection that a forking server kept', () => {
  const owners = [parentListens, parent, child];
  const [finding] = judge([listener, accepted], owners);
  expect(finding).toMatchObject({
    severity: 'warning',
    sockets: 1,
    title: 'server (pids 7 and 8) share 1 connection: a close by one of them ends nothing',
    owners: [
      { pid: 7, fds: [4] },
      { pid: 8, fds: [4] },
    ],
    rows: [1],
  });
});

test('inherited-socket makes one finding of the workers of one server', () => {
  const sockets = [listener, accepted, { ...accepted, inode: 3 }];
  const owners = [
    parentListens,
    parent,
    child,
    { ...parent, fd: 5, inode: 3 },
    { pid: 9, fd: 5, inode: 3 },
  ];
  expect(judge(sockets, owners)).toMatchObject([
    { sockets: 2, owners: [{ pid: 7, fds: [4, 5] }, { pid: 8 }, { pid: 9 }] },
  ]);
});

test('inherited-socket is silent about a listener that workers share', () => {
  expect(judge([listener], [parentListens, { ...parentListens, pid: 8 }])).toEqual([]);
});

test('inherited-socket is silent about a descriptor that is being passed', () => {
  const young = { ...accepted, info: { lastDataSent: 9, lastDataRecv: 9, lastAckRecv: 9 } };
  const owners = [parentListens, parent, child];
  expect(judge([listener, young], owners)).toEqual([]);
  const more = { firstOwners: [parentListens, parent], windowMs: 2000 };
  expect(judge([listener, accepted], owners, more)).toEqual([]);
});

test('inherited-socket speaks of a busy connection that both held at both looks', () => {
  const busy = { ...accepted, info: { lastDataSent: 9, lastDataRecv: 9, lastAckRecv: 9 } };
  const owners = [parentListens, parent, child];
  const more = { firstOwners: owners, windowMs: 2000 };
  expect(judge([listener, busy], owners, more)).toHaveLength(1);
});

test('inherited-socket is silent about privilege separation: no sharer listens', () => {
  const daemon = { pid: 6, fd: 3, inode: 1 };
  expect(judge([listener, accepted], [daemon, parent, child])).toEqual([]);
});

test('inherited-socket is silent about a connection that a child serves as its standard input', () => {
  expect(judge([outgoing], [parent, { ...child, fd: 0 }])).toEqual([]);
});

test('inherited-socket speaks of a pool that was forked', () => {
  expect(judge([outgoing], [parent, child])).toHaveLength(1);
});

test('inherited-socket finds a command that holds a connection of the server that started it', () => {
  const processes = [processOf({ pid: 7, executable: python }), sleep];
  const [finding] = judge([listener, accepted], [parentListens, child], { processes });
  expect(finding).toMatchObject({
    title: 'sleep (pid 8) holds 1 connection inherited from a parent and not used',
    owners: [{ pid: 8 }],
  });
  expect(finding.why).toContain('server (pid 7)');
});

test.each([
  ['waits for events', { ...sleep, threads: threadsSeen(threadIn('ppoll')) }],
  ['is of the same program', { ...sleep, executable: python }],
  ['cannot be looked at', processOf({ ...sleep, threads: processOf({ pid: 1 }).threads })],
])('inherited-socket is silent about a sole holder that %s', (_, heir) => {
  const processes = [processOf({ pid: 7, executable: python }), heir];
  expect(judge([listener, accepted], [parentListens, child], { processes })).toEqual([]);
});

test('inherited-socket advises in the language of the parent, whatever the heir is written in', () => {
  const processes = [processOf({ pid: 7, executable: python, runtime: 'python' }), sleep];
  const [heir] = judge([listener, accepted], [parentListens, child], { processes });
  expect(heir.fix.steps.map(({ language }) => language)).toEqual(['Python']);
  const [shared] = judge([listener, accepted], [parentListens, parent, child], { processes });
  expect(shared.fix.steps.map(({ language }) => language)).toEqual(['Python']);
});

test('inherited-socket advises in every language where that of the parent is not known', () => {
  const [finding] = judge([listener, accepted], [parentListens, parent, child]);
  expect(finding.fix.steps).toHaveLength(4);
});
