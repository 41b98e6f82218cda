import { diagnose, seen, unavailable, type Evidence } from '@lastack/core';
import { expect, test } from 'vitest';
import {
  evidenceOf,
  ownersOf,
  processOf,
  type OwnerSpec,
  type SocketSpec,
} from '../../../core/test/evidence.ts';
import { diagnoseProcess, focusOn } from './focus.ts';

const [OURS, THEIRS] = [4121, 512];
const OLD = { lastDataSent: 60_000, lastDataRecv: 60_000, lastAckRecv: 60_000 };

const SOCKETS: readonly SocketSpec[] = [
  { state: 'LISTEN', inode: 1, local: '0.0.0.0:80' },
  { state: 'ESTABLISHED', inode: 2, local: '127.0.0.1:80', info: OLD },
  { state: 'ESTABLISHED', inode: 0, local: '127.0.0.1:80' },
  { state: 'TIME-WAIT', inode: 0, local: '127.0.0.1:80' },
  { state: 'LISTEN', inode: 11, local: '[::1]:90', remote: '[::]:0' },
  { state: 'CLOSE-WAIT', inode: 12, local: '[::1]:90', remote: '[::1]:5', timer: 'keepalive' },
  { state: 'TIME-WAIT', inode: 0, local: '[::1]:90', remote: '[::1]:6' },
  { state: 'LISTEN', inode: 13, local: '127.0.0.1:80', netns: 2 },
  { state: 'TIME-WAIT', inode: 0, local: '127.0.0.1:80', netns: 2 },
];
const OWNERS: readonly OwnerSpec[] = [
  { pid: OURS, fd: 3, inode: 1 },
  { pid: OURS, fd: 4, inode: 2 },
  { pid: 4122, fd: 4, inode: 2 },
  { pid: THEIRS, fd: 3, inode: 11 },
  { pid: THEIRS, fd: 4, inode: 12 },
  { pid: THEIRS, fd: 5, inode: 13 },
];
const HOST = evidenceOf({
  sockets: SOCKETS,
  first: SOCKETS,
  owners: OWNERS,
  firstOwners: OWNERS,
  processes: [OURS, 4122, THEIRS].map((pid) => processOf({ pid })),
});

function cookiesIn({ sockets }: Evidence): readonly number[] {
  if (sockets.kind !== 'ok') return [];
  const { last } = sockets.value;
  return [...last.cookieLow.subarray(0, last.count)];
}

test('focusOn() keeps the sockets of a process, and what waits or lingers at the ports that it listens on', () => {
  expect(cookiesIn(focusOn(HOST, OURS))).toEqual([1, 2, 3, 4]);
  expect(cookiesIn(focusOn(HOST, THEIRS))).toEqual([5, 6, 7, 8, 9]);
});

test('focusOn() keeps whoever else holds those sockets, and no other process', () => {
  const { owners, firstOwners, processes } = focusOn(HOST, OURS);
  const pid = Uint32Array.of(OURS, OURS, 4122);
  expect(owners).toMatchObject({ value: { count: 3, pid, fd: Uint32Array.of(3, 4, 4) } });
  expect(firstOwners).toMatchObject({ count: 3, pid });
  expect(processes.kind === 'ok' && [...processes.value.keys()]).toEqual([OURS, 4122]);
});

test('focusOn() keeps the columns of each row together', () => {
  const { sockets } = focusOn(HOST, OURS);
  if (sockets.kind !== 'ok') throw new Error(sockets.reason);
  const { last, first } = sockets.value;
  expect(first).toEqual(last);
  expect([...last.inode]).toEqual([1, 2, 0, 0]);
  expect([...(last.info?.known ?? [])]).toEqual([0, 1, 0, 0]);
  expect([...(last.info?.lastDataSent ?? [])]).toEqual([0, 60_000, 0, 0]);
});

test('focusOn() keeps all where the process may have sockets that could not be seen', () => {
  const unreadable = [{ count: 1, reason: 'permission denied', remedy: 'run as root' }];
  const partly = { ...HOST, owners: seen(ownersOf(OWNERS, { unreadable })) };
  expect(focusOn(partly, 7)).toBe(partly);
  expect(cookiesIn(focusOn(partly, OURS))).toEqual([1, 2, 3, 4]);
  const blind = { ...HOST, owners: unavailable('permission denied', 'run as root') };
  expect(focusOn(blind, OURS)).toBe(blind);
});

test('focusOn() leaves nothing of a process without sockets', () => {
  expect(cookiesIn(focusOn(HOST, 7))).toEqual([]);
});

test('diagnoseProcess() is not unsure about the sockets of a neighbour', () => {
  const reason = expect.stringContaining('keepalive hides');
  expect(diagnose(HOST).unknown).toContainEqual(expect.objectContaining({ reason }));
  expect(diagnoseProcess(HOST, THEIRS).unknown).toContainEqual(expect.objectContaining({ reason }));
  expect(diagnoseProcess(HOST, OURS).unknown).not.toContainEqual(
    expect.objectContaining({ reason }),
  );
});

test('diagnoseProcess() judges a process by all that is known of the host, and names no other', () => {
  const leak = (inode: number): SocketSpec => ({ state: 'CLOSE-WAIT', inode, info: OLD });
  const evidence = evidenceOf({
    sockets: [leak(1), leak(2)],
    owners: [
      { pid: OURS, fd: 3, inode: 1 },
      { pid: THEIRS, fd: 3, inode: 2 },
    ],
    processes: [OURS, THEIRS].map((pid) => processOf({ pid })),
  });
  const { findings } = diagnoseProcess(evidence, OURS);
  expect(findings.map(({ owners }) => owners.map(({ pid }) => pid))).toEqual([[OURS]]);
});
