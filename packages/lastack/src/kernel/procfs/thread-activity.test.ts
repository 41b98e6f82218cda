import { expect, test } from 'vitest';
import { summarizeThread, type Look, type ThreadTimes } from './thread-activity.ts';

function timesAt(atMs: number, userTicks: number, voluntarySwitches: number | null): ThreadTimes {
  const stat = {
    pid: 812,
    command: 'api',
    state: 'S',
    parentPid: 1,
    userTicks,
    systemTicks: 5,
    threads: 1,
    startTicks: 1,
  };
  return { atMs, stat, voluntarySwitches };
}

function callOn(fd: number): Look {
  return { kind: 'call', name: 'recvfrom', fd, target: `socket:[${fd}]`, childPid: null };
}

test('summarizeThread() counts calls by descriptor, most frequent first', () => {
  const looks: Look[] = [callOn(7), { kind: 'running' }, callOn(8), { kind: 'blocked' }, callOn(8)];
  const activity = summarizeThread({
    first: timesAt(100, 10, 4),
    last: timesAt(1100, 60, 6),
    looks,
    wchan: 'sk_wait_data',
  });
  expect(activity).toEqual({
    tid: 812,
    name: 'api',
    state: 'S',
    samples: 5,
    running: 1,
    cpu: { user: 0.5, system: 0 },
    voluntarySwitches: 2,
    calls: [
      { name: 'recvfrom', samples: 2, fd: 8, target: 'socket:[8]', childPid: null },
      { name: 'recvfrom', samples: 1, fd: 7, target: 'socket:[7]', childPid: null },
    ],
    wchan: 'sk_wait_data',
  });
});

test('summarizeThread() knows no shares from one look', () => {
  const log = { first: timesAt(0, 1, 1), last: null, looks: [callOn(7)], wchan: '' };
  expect(summarizeThread(log)).toMatchObject({ cpu: null, voluntarySwitches: null, samples: 1 });
});

test('summarizeThread() never divides by a time that has not passed', () => {
  const first = timesAt(5, 1, 1);
  const log = { first, last: timesAt(5, 9, null), looks: [], wchan: '' };
  expect(summarizeThread(log)).toMatchObject({ cpu: null, voluntarySwitches: null });
});
