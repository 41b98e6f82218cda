import { expect, test } from 'vitest';
import { evidenceOf, processOf, type SocketSpec } from '../../test/evidence.ts';
import { seen } from '../evidence/observation.ts';
import type { ProcessFacts, ThreadActivity } from '../evidence/process-facts.ts';
import { closeWaitLeak } from './close-wait-leak.ts';
import { diagnose } from './diagnose.ts';

const HOUR = 3_600_000;
const old = { lastDataSent: HOUR, lastDataRecv: HOUR, lastAckRecv: HOUR };

function leaked(spec: Partial<SocketSpec> = {}): SocketSpec {
  return { state: 'CLOSE-WAIT', info: old, ...spec };
}

function thread(call: string, more: Partial<ThreadActivity> = {}): ThreadActivity {
  return {
    tid: 7,
    name: 'server',
    state: 'S',
    samples: 20,
    running: 0,
    cpu: { user: 0, system: 0 },
    voluntarySwitches: 0,
    calls: [{ name: call, samples: 20, fd: null, target: null, childPid: null }],
    wchan: '',
    ...more,
  };
}

function judge(sockets: readonly SocketSpec[], facts: Partial<ProcessFacts> = {}) {
  const owners = sockets.map((_, row) => ({ pid: 7, fd: row + 3, inode: row + 1 }));
  const evidence = evidenceOf({ sockets, owners, processes: [processOf({ pid: 7, ...facts })] });
  return diagnose(evidence, [closeWaitLeak]).findings;
}

function doing(...threads: ThreadActivity[]): Partial<ProcessFacts> {
  return { threads: seen({ threads, omitted: 0, callsHidden: null }) };
}

test('close-wait-leak names the holder, its descriptors and the age of the oldest socket', () => {
  const [finding] = judge([leaked(), leaked({ info: { ...old, lastAckRecv: 60_000 } })]);
  expect(finding).toMatchObject({
    severity: 'warning',
    sockets: 2,
    oldest: { ms: HOUR, confidence: '=' },
    owners: [{ pid: 7, command: 'server', fds: [3, 4] }],
  });
});

test('close-wait-leak is silent about a program that may still be about to answer', () => {
  expect(judge([leaked({ info: { lastDataSent: 9, lastDataRecv: 9, lastAckRecv: 9 } })])).toEqual(
    [],
  );
});

test('close-wait-leak is silent about connections that nobody has accepted', () => {
  expect(judge([leaked({ inode: 0 })])).toEqual([]);
});

test('close-wait-leak counts a socket as old as it was watched', () => {
  const young = leaked({ info: { lastDataSent: 9, lastDataRecv: 9, lastAckRecv: 9 } });
  const evidence = evidenceOf({ sockets: [young], first: [young], windowMs: 60_000 });
  const [finding] = diagnose(evidence, [closeWaitLeak]).findings;
  expect(finding.oldest).toEqual({ ms: 60_000, confidence: '≥' });
});

test('close-wait-leak is critical from a hundred sockets on', () => {
  expect(judge(Array.from({ length: 100 }, () => leaked()))[0].severity).toBe('critical');
});

test.each([
  ['eof-ignored', 0, {}],
  ['not-reading', 1, {}],
  ['data-abandoned', 10, {}],
  ['spinning', 1, doing(thread('read', { calls: [], cpu: { user: 0.99, system: 0 } }))],
  ['eof-ignored', 0, doing(thread('recvfrom', { cpu: { user: 0.4, system: 0.6 } }))],
  ['close-skipped', 1, doing(thread('accept4'))],
  ['blocked-elsewhere', 1, doing(thread('clock_nanosleep'))],
  ['blocked-elsewhere', 0, doing(thread('wait4'))],
  [
    'not-watched',
    1,
    {
      ...doing(thread('epoll_wait')),
      watched: seen({ instances: 1, fds: [9], muted: [], complete: true }),
    },
  ],
  [
    'not-reading',
    1,
    {
      ...doing(thread('epoll_wait')),
      runtime: 'node',
      watched: seen({ instances: 1, fds: [9], muted: [], complete: true }),
    },
  ],
] as const)(
  'close-wait-leak finds the cause %s from Recv-Q %i and the threads',
  (cause, recvQ, facts) => {
    expect(judge([leaked({ recvQ })], facts)[0].cause).toBe(cause);
  },
);

test('a thread that sleeps beside an accept loop does not explain sockets that are kept', () => {
  const [finding] = judge(
    [leaked({ recvQ: 1 }), leaked({ recvQ: 1 })],
    doing(thread('accept4'), thread('clock_nanosleep', { tid: 8 })),
  );
  expect(finding.cause).toBe('close-skipped');
});
