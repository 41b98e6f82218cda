import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Path } from './path.ts';
import {
  CLOSES_AFTER_PEER,
  closesLate,
  halfCloses,
  NEVER_CLOSES,
  NEVER_READS,
  writesAndCloses,
  type Program,
} from './program.ts';
import { simulate, type Setup, type TimelineEvent } from './simulate.ts';
import { LINUX, RFC_9293, type TcpOptions } from './tcp-options.ts';
import { isTransition } from './transitions.ts';

function statesOf(setup: Setup): { client: string[]; server: string[] } {
  const states = { client: [] as string[], server: [] as string[] };
  simulate(setup, (event) => {
    if (event.kind === 'state') states[event.role].push(event.to);
  });
  return states;
}

test('the client closes first, and has the TIME-WAIT', () => {
  expect(statesOf({ seed: 1, client: writesAndCloses(3000), server: CLOSES_AFTER_PEER })).toEqual({
    client: ['SYN-SENT', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT', 'CLOSED'],
    server: ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'],
  });
});

test('a server that never closes stays in CLOSE-WAIT for ever', () => {
  const day = 86_400_000;
  const run = simulate({
    seed: 1,
    client: writesAndCloses(3000),
    server: NEVER_CLOSES,
    until: day,
  });
  expect(run.server).toMatchObject({ state: 'CLOSE-WAIT', bytesReceived: 3000 });
  // The client's kernel gives up its half after tcp_fin_timeout.
  expect(run.client.state).toBe('CLOSED');
});

test('a refused client has an error', () => {
  const run = simulate({
    seed: 1,
    client: CLOSES_AFTER_PEER,
    server: CLOSES_AFTER_PEER,
    refuses: true,
  });
  expect(run.client).toMatchObject({ state: 'CLOSED', error: 'ECONNREFUSED' });
  expect(run.server.state).toBeNull();
});

test('a client whose every segment is lost ends with ETIMEDOUT after its SYN retries', () => {
  const path: Path = { delay: 10, jitter: 0, loss: 1, duplicate: 0, lateBy: 0 };
  const run = simulate({ seed: 1, client: CLOSES_AFTER_PEER, server: CLOSES_AFTER_PEER, path });
  expect(run.client.error).toBe('ETIMEDOUT');
  expect(run.segments).toBe(1 + LINUX.synRetries + LINUX.synLinearTimeouts);
  // Linux 6.5 and later: five seconds for the linear ones, then 2, 4, … 64 s.
  expect(run.endedAt).toBe(131_000);
});

test('a peer that never reads closes the window, and the writer probes it', () => {
  const run = simulate({
    seed: 1,
    client: writesAndCloses(200_000),
    server: NEVER_READS,
    until: 60_000,
  });
  expect(run.server.state).toBe('ESTABLISHED');
  expect(run.client.state).toBe('FIN-WAIT-1');
});

test('the same seed gives the same run', () => {
  const path: Path = { delay: 5, jitter: 20, loss: 0.1, duplicate: 0.1, lateBy: 500 };
  const record = () => {
    const events: TimelineEvent[] = [];
    simulate({ seed: 7, client: halfCloses(50_000), server: CLOSES_AFTER_PEER, path }, (event) =>
      events.push(event),
    );
    return events;
  };
  expect(record()).toEqual(record());
});

const anyPath = fc.record({
  delay: fc.integer({ min: 1, max: 200 }),
  jitter: fc.integer({ min: 0, max: 300 }),
  loss: fc.double({ min: 0, max: 0.3, noNaN: true }),
  duplicate: fc.double({ min: 0, max: 0.3, noNaN: true }),
  lateBy: fc.integer({ min: 0, max: 5000 }),
});

const anyProgram: fc.Arbitrary<Program> = fc.oneof(
  fc.constantFrom(CLOSES_AFTER_PEER, NEVER_CLOSES, NEVER_READS),
  fc.integer({ min: 0, max: 20_000 }).map(closesLate),
  fc.integer({ min: 1, max: 100_000 }).map(writesAndCloses),
  fc.integer({ min: 1, max: 100_000 }).map(halfCloses),
);

const anyOptions: fc.Arbitrary<TcpOptions> = fc
  .record({
    base: fc.constantFrom(LINUX, RFC_9293),
    timestamps: fc.boolean(),
    resetOnUnreadClose: fc.boolean(),
    challengeAck: fc.boolean(),
  })
  .map(({ base, ...changes }) => ({ ...base, ...changes }));

test('whatever programs and network do, every change of state is an arrow of the diagram', () => {
  fc.assert(
    fc.property(
      fc.record({
        seed: fc.integer(),
        client: anyProgram,
        server: anyProgram,
        path: anyPath,
        clientOptions: anyOptions,
        serverOptions: anyOptions,
        connections: fc.integer({ min: 1, max: 3 }),
      }),
      (setup) => {
        const forbidden: string[] = [];
        simulate(setup, (event) => {
          if (event.kind === 'state' && !isTransition(event.from, event.to)) {
            forbidden.push(`${event.from} → ${event.to}: ${event.on}`);
          }
        });
        expect(forbidden).toEqual([]);
      },
    ),
    { numRuns: 500 },
  );
});

test('what was written arrives, whole and once, over a network that loses and reorders', () => {
  fc.assert(
    fc.property(
      fc.record({
        seed: fc.integer(),
        bytes: fc.integer({ min: 1, max: 200_000 }),
        path: anyPath,
      }),
      ({ seed, bytes, path }) => {
        const run = simulate({
          seed,
          path,
          client: halfCloses(bytes),
          server: CLOSES_AFTER_PEER,
          until: 1e9,
        });
        // A connection may also be given up, when a segment is lost time after time; then it says so.
        const isWhole = run.server.bytesReceived === bytes;
        const areClosed = run.client.state === 'CLOSED' && run.server.state === 'CLOSED';
        const error = run.client.error ?? run.server.error;
        expect((isWhole && areClosed) || error !== null).toBe(true);
        expect(run.server.bytesReceived).toBeLessThanOrEqual(bytes);
      },
    ),
    { numRuns: 300 },
  );
});

test('from the moment that the cable is cut nothing arrives, and an orphan FIN is given up after 8 repetitions', () => {
  const path: Path = { delay: 10, jitter: 0, loss: 0, duplicate: 0.5, lateBy: 100, cutAt: 100 };
  const client: Program = {
    reads: true,
    steps: [{ when: 'established', after: 200, call: { kind: 'close' } }],
  };
  const arrivals: number[] = [];
  const run = simulate({ seed: 1, client, server: NEVER_CLOSES, path }, (event) => {
    if (event.kind === 'arrive') arrivals.push(event.at);
  });
  expect(run.client).toMatchObject({ state: 'CLOSED', error: 'ETIMEDOUT' });
  expect(run.server.state).toBe('ESTABLISHED');
  expect(arrivals.length).toBeGreaterThanOrEqual(3);
  expect(Math.max(...arrivals)).toBeLessThan(300);
});
