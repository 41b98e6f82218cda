import { expect, test } from 'vitest';
import { evidenceOf, processOf, type SocketSpec } from '../../test/evidence.ts';
import { threadIn, threadsSeen } from '../../test/threads.ts';
import { seen } from '../evidence/observation.ts';
import type { ProcessFacts, ThreadActivity } from '../evidence/process-facts.ts';
import { closeWaitLeak } from './close-wait-leak.ts';
import { diagnose } from './diagnose.ts';

const HOUR = 3_600_000;
const old = { lastDataSent: HOUR, lastDataRecv: HOUR, lastAckRecv: HOUR };

function leaked(spec: Partial<SocketSpec> = {}): SocketSpec {
  return { state: 'CLOSE-WAIT', info: old, ...spec };
}

function judge(sockets: readonly SocketSpec[], facts: Partial<ProcessFacts> = {}) {
  const owners = sockets.map((_, row) => ({ pid: 7, fd: row + 3, inode: row + 1 }));
  const evidence = evidenceOf({ sockets, owners, processes: [processOf({ pid: 7, ...facts })] });
  return diagnose(evidence, [closeWaitLeak]).findings;
}

function doing(...threads: ThreadActivity[]): Partial<ProcessFacts> {
  return { threads: threadsSeen(...threads) };
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
  ['spinning', 1, doing(threadIn('read', {}, { calls: [], cpu: { user: 0.99, system: 0 } }))],
  ['eof-ignored', 0, doing(threadIn('recvfrom', {}, { cpu: { user: 0.4, system: 0.6 } }))],
  ['close-skipped', 1, doing(threadIn('accept4'))],
  ['blocked-elsewhere', 1, doing(threadIn('clock_nanosleep'))],
  ['blocked-elsewhere', 0, doing(threadIn('wait4'))],
  [
    'not-watched',
    1,
    {
      ...doing(threadIn('epoll_wait')),
      watched: seen({ instances: 1, fds: [9], muted: [], complete: true }),
    },
  ],
  [
    'not-reading',
    1,
    {
      ...doing(threadIn('epoll_wait')),
      runtime: 'node',
      watched: seen({ instances: 1, fds: [9], muted: [], complete: true }),
    },
  ],
  // In execSync(): a loop that waited for this socket itself would have woken up.
  [
    'blocked-elsewhere',
    1,
    {
      ...doing(threadIn('epoll_wait')),
      runtime: 'node',
      watched: seen({ instances: 2, fds: [3], muted: [], complete: true }),
    },
  ],
  [
    'not-reading',
    1,
    {
      ...doing(threadIn('epoll_wait', {}, { voluntarySwitches: 30 })),
      runtime: 'node',
      watched: seen({ instances: 2, fds: [3], muted: [], complete: true }),
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
    doing(threadIn('accept4'), threadIn('clock_nanosleep', {}, { tid: 8 })),
  );
  expect(finding.cause).toBe('close-skipped');
});

function aged(ms: number, more: Partial<SocketSpec> = {}): SocketSpec {
  const info = { lastDataSent: ms, lastDataRecv: ms, lastAckRecv: ms };
  return { state: 'CLOSE-WAIT', recvQ: 1, info, ...more };
}

/** Two looks at one program; a socket of the first that is not in the last was closed. */
function watch(first: readonly SocketSpec[], last: readonly SocketSpec[]) {
  const named = (specs: readonly SocketSpec[]) =>
    specs.map((spec) => ({ ...spec, inode: spec.inode ?? spec.cookie ?? 0 }));
  const heldBy = (specs: readonly SocketSpec[]) =>
    named(specs).map(({ inode }, i) => ({ pid: 7, fd: i + 3, inode }));
  const evidence = evidenceOf({
    first: named(first),
    sockets: named(last),
    firstOwners: heldBy(first),
    owners: heldBy(last),
    processes: [processOf({ pid: 7, ...doing(threadIn('epoll_wait')) })],
  });
  return diagnose(evidence, [closeWaitLeak]).findings;
}

test.each([
  [9999, 0],
  [10_000, 1],
])('close-wait-leak of a socket that is %i ms old gives %i findings', (ms, findings) => {
  expect(judge([aged(ms)])).toHaveLength(findings);
});

test('close-wait-leak is silent about slow handlers that end in the window', () => {
  const before = [9, 8, 7, 6, 5].map((s) => aged(s * 1000, { cookie: s }));
  // Those that were 8 s and 9 s old were closed.
  const after = [9, 8, 7].map((s) => aged(s * 1000 + 2000, { cookie: s - 2 }));
  expect(watch(before, after)).toEqual([]);
});

test('close-wait-leak speaks of what is far older than what was closed in the window', () => {
  const old = aged(40_000, { cookie: 1 });
  const young = aged(11_000, { cookie: 2 });
  const findings = watch([old, young, aged(9000, { cookie: 3 })], [old, young]);
  expect(findings).toMatchObject([{ sockets: 1, rows: [0] }]);
});

test('close-wait-leak speaks of what is a minute old, whatever was closed in the window', () => {
  const old = aged(60_000, { cookie: 1 });
  expect(watch([old, aged(3_600_000, { cookie: 3 })], [old])).toHaveLength(1);
});

test('close-wait-leak does not take a reset for a close', () => {
  const old = aged(12_000, { cookie: 1 });
  const evidence = evidenceOf({
    first: [old, aged(12_000, { cookie: 2 })],
    sockets: [old],
    owners: [1, 2].map((inode) => ({ pid: 7, fd: inode + 2, inode })),
  });
  expect(diagnose(evidence, [closeWaitLeak]).findings).toHaveLength(1);
});

test('close-wait-leak needs no more than 3 s where every thread is back in accept', () => {
  expect(judge([aged(3000)], doing(threadIn('accept4')))).toHaveLength(1);
  expect(judge([aged(2999)], doing(threadIn('accept4')))).toEqual([]);
});

test('close-wait-leak needs no more than 3 s where ten pile up and none is closed', () => {
  const sockets = Array.from({ length: 10 }, (_, i) => aged(3500, { cookie: i + 1 }));
  expect(watch(sockets, sockets)).toHaveLength(1);
  expect(watch(sockets.slice(1), sockets.slice(1))).toEqual([]);
  expect(judge(sockets, doing(threadIn('epoll_wait')))).toEqual([]);
});

test('close-wait-leak of a pool whose peer was restarted is a warning without growth', () => {
  const sockets = Array.from({ length: 30 }, () => aged(15_000));
  const [finding] = judge(sockets, { descriptors: seen({ open: 64, limit: 1024 }) });
  expect(finding).toMatchObject({ severity: 'warning', growth: null, forecast: null });
  const later = Array.from({ length: 30 }, () => aged(HOUR));
  expect(judge(later)[0].severity).toBe('warning');
});

test('close-wait-leak is critical of ten that came one after the other and are a minute old', () => {
  const sockets = Array.from({ length: 10 }, (_, i) => aged(60_000 + i * 5000));
  expect(judge(sockets)[0].severity).toBe('critical');
});

const futex = (tid: number) => threadIn('futex', {}, { tid });

test('close-wait-leak names both explanations of threads that wait in futex beside an accept loop', () => {
  const sockets = [leaked({ recvQ: 1 }), leaked({ recvQ: 1 })];
  const [locked] = judge(sockets, doing(threadIn('accept4'), futex(8), futex(9)));
  expect(locked.cause).toBe('blocked-elsewhere');
  expect(locked.why).toMatch(
    /^2 threads wait in futex.*handlers that wait there.*idle threads of a pool/,
  );
  const [either] = judge(sockets, doing(threadIn('accept4'), futex(8), futex(9), futex(10)));
  expect(either.cause).toBe('unknown');
  expect(either.why).toMatch(/ended without calling close.*or they wait/);
});

test('fewer threads in futex than sockets do not explain them', () => {
  const sockets = [leaked({ recvQ: 1 }), leaked({ recvQ: 1 })];
  expect(judge(sockets, doing(threadIn('accept4'), futex(8)))[0].cause).toBe('close-skipped');
});

const touched = leaked({ recvQ: 1 });
const untouched = leaked({ recvQ: 900 });
const silent = leaked({ recvQ: 1, info: { ...old, dataSegsIn: 0 } });

test.each([
  ['blocked-elsewhere', 'just as many were read from', [touched, touched, untouched, untouched]],
  ['blocked-elsewhere', 'just as many were read to the end', [leaked(), leaked(), silent]],
  ['unknown', 'none can be seen to have been read from', [silent, silent, silent]],
  ['close-skipped', 'more were read from', [touched, touched, touched, untouched]],
] as const)(
  'beside an accept loop and a pool of two threads in futex the cause is %s when %s',
  (cause, _, sockets) => {
    const [finding] = judge(sockets, doing(threadIn('accept4'), futex(8), futex(9)));
    expect(finding.cause).toBe(cause);
  },
);

test('a single thread in futex beside an accept loop may be the whole pool', () => {
  const threads = doing(threadIn('accept4'), futex(8));
  expect(judge([touched, untouched], threads)[0].cause).toBe('unknown');
  expect(judge([untouched, untouched], threads)[0].cause).toBe('close-skipped');
});

test('threads that wait in futex beside an event loop are no pool of handlers', () => {
  const facts = {
    ...doing(threadIn('epoll_wait'), futex(8), futex(9)),
    watched: seen({ instances: 1, fds: [9], muted: [], complete: true }),
  };
  expect(judge([touched, touched, untouched], facts)[0].cause).toBe('not-watched');
});

test('a first thread that waits for the accept loop in another one is not blocked', () => {
  const threads = doing(threadIn('futex'), threadIn('accept4', {}, { tid: 8 }));
  expect(judge([leaked({ recvQ: 1 })], threads)[0].cause).toBe('close-skipped');
});

test.each([
  [1, 'blocked-elsewhere'],
  [2, 'not-reading'],
])('a first thread of Node in futex beside %i other loops has the cause %s', (loops, cause) => {
  const others = Array.from({ length: loops }, (_, i) =>
    threadIn('epoll_wait', {}, { tid: 8 + i }),
  );
  const node = { ...doing(threadIn('futex'), ...others), runtime: 'node' as const };
  expect(judge([leaked({ recvQ: 1 })], node)[0].cause).toBe(cause);
});

const upstream = (ms: number, port: number, recvQ = 1) =>
  aged(ms, { local: `10.0.0.1:${port}`, remote: '10.0.0.2:443', recvQ });

test.each([
  ['close-skipped', 0],
  ['close-skipped', 1],
  ['data-abandoned', 900],
])('a client that sleeps between its requests has the cause %s with Recv-Q %i', (cause, recvQ) => {
  const sockets = [upstream(60_000, 50_000, recvQ), upstream(20_000, 50_001, recvQ)];
  const [finding] = judge(sockets, doing(threadIn('clock_nanosleep')));
  expect(finding.cause).toBe(cause);
  expect(finding.why).toContain(
    'it has last sent on one of them 20 s ago, when another had been closed for 40 s',
  );
  expect(finding.fix.steps.find(({ language }) => language === 'Python')?.text).toContain(
    'requests.Session()',
  );
});

test('a client that has not moved since its peers closed is blocked', () => {
  const sockets = [upstream(60_000, 50_000), upstream(60_000, 50_001)];
  expect(judge(sockets, doing(threadIn('clock_nanosleep')))[0].cause).toBe('blocked-elsewhere');
});

test.each([
  [2, 'blocked-elsewhere'],
  [3, 'close-skipped'],
])('a client that gave up its processor %i times in a second has the cause %s', (count, cause) => {
  const threads = doing(threadIn('clock_nanosleep', {}, { voluntarySwitches: count }));
  expect(judge([upstream(60_000, 50_000)], threads)[0].cause).toBe(cause);
});

test('close-wait-leak makes one finding of the connections of an unseen client', () => {
  const sockets = Array.from({ length: 30 }, (_, i) => upstream(60_000, 50_000 + i));
  const findings = diagnose(evidenceOf({ sockets }), [closeWaitLeak]).findings;
  expect(findings.map(({ title }) => title)).toEqual([
    'an unknown program of user 1000 connected to 10.0.0.2:443 holds 30 sockets that their peers closed',
  ]);
});

const held = (sockets: readonly SocketSpec[]) =>
  sockets.map((_, i) => ({ pid: 7, fd: i + 3, inode: i + 1 }));

test('close-wait-leak does not know about sockets that a slow handler may still close', () => {
  const judged = (first: readonly SocketSpec[], last: readonly SocketSpec[]) =>
    diagnose(evidenceOf({ first, sockets: last, owners: held(last) }), [closeWaitLeak]);
  const waiting = aged(4000, { cookie: 1 });
  expect(judged([waiting], [waiting])).toMatchObject({
    findings: [],
    unknown: [
      {
        reason:
          '1 socket that its peer closed some seconds ago may still be closed by a slow handler',
        remedy: 'look for longer: --for 10s',
      },
    ],
  });
  const ending = aged(4000, { cookie: 2, inode: 9 });
  expect(judged([waiting, ending], [waiting])).toEqual({ findings: [], unknown: [] });
  expect(judged([waiting], [aged(2999, { cookie: 2 })]).unknown).toEqual([]);
  const leak = aged(40_000, { cookie: 3 });
  expect(judged([leak], [leak, waiting])).toMatchObject({
    findings: [{ sockets: 1 }],
    unknown: [],
  });
});

test('close-wait-leak says that keepalive hides the age of sockets, unless they were watched for long', () => {
  const info = { lastDataSent: 61_000, lastDataRecv: 60_000, lastAckRecv: 700 };
  const probed = leaked({ timer: 'keepalive', info, cookie: 1 });
  const judged = (windowMs: number) =>
    diagnose(evidenceOf({ first: [probed], sockets: [probed], owners: held([probed]), windowMs }), [
      closeWaitLeak,
    ]);
  expect(judged(2000)).toMatchObject({
    findings: [],
    unknown: [{ reason: 'TCP keepalive hides how long 1 socket has been in CLOSE-WAIT' }],
  });
  expect(judged(12_000)).toMatchObject({ findings: [{ sockets: 1 }], unknown: [] });
});
