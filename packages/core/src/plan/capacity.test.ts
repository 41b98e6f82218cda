import fc from 'fast-check';
import { expect, test } from 'vitest';
import { capacityOf } from './capacity.ts';
import { clientsTable } from './clients-table.ts';
import { curesFor, type Cure } from './cures.ts';
import { poolSizeOf } from './pool.ts';
import type { HostLimits, Workload } from './workload.ts';

/** Linux as it comes. */
const LIMITS: HostLimits = {
  ports: 28_232,
  twReuse: 2,
  twReuseDelayMs: 1000,
  timestamps: true,
  descriptorLimit: 1024,
  descriptorsUsed: 24,
  maxTimeWaits: 131_072,
  timeWaitBytes: 256,
};

const WORKLOAD: Workload = {
  requestsPerSecond: 1000,
  latencyMs: 0,
  requestsPerConnection: 1,
  heldMs: 0,
  sources: 1,
  destinations: 1,
  closesFirst: 'client',
  isLoopback: false,
};

test('28,232 ports with 60 s of TIME-WAIT each allow 470 connections a second', () => {
  const { portsAllowPerSecond, portsEndMs } = capacityOf(WORKLOAD, LIMITS);
  expect(Math.floor(portsAllowPerSecond)).toBe(470);
  expect(portsEndMs).toBe(28_232);
});

test('tcp_tw_reuse 2 helps on loopback only, 1 everywhere, neither without time stamps', () => {
  const allows = (changes: Partial<Workload>, limits: Partial<HostLimits>) =>
    capacityOf({ ...WORKLOAD, ...changes }, { ...LIMITS, ...limits }).portsAllowPerSecond;
  expect(allows({ isLoopback: true }, {})).toBe(28_232);
  expect(allows({}, { twReuse: 1 })).toBe(28_232);
  expect(allows({}, { twReuse: 1, timestamps: false })).toBeCloseTo(470.5, 0);
});

test('the side that closes first has the TIME-WAIT', () => {
  const closedByServer: Workload = { ...WORKLOAD, latencyMs: 50, closesFirst: 'server' };
  expect(capacityOf(closedByServer, LIMITS)).toMatchObject({
    portsEndMs: null,
    timeWaits: 0,
    openAtATime: 50,
  });
});

test('descriptors that are never given back end when the free ones are used', () => {
  const leak: Workload = { ...WORKLOAD, requestsPerSecond: 10, heldMs: Infinity };
  expect(capacityOf(leak, LIMITS).descriptorsEndMs).toBe(100_000);
});

test('TIME-WAITs stop at tcp_max_tw_buckets, and memory with them', () => {
  const many = capacityOf({ ...WORKLOAD, requestsPerSecond: 100_000, destinations: 100 }, LIMITS);
  expect(many).toMatchObject({
    timeWaits: 131_072,
    timeWaitsOverflow: true,
    timeWaitMemory: 131_072 * 256,
  });
});

test("a pool has the requests at a time of Little's law, and room for chance", () => {
  expect(poolSizeOf(1000, 50)).toEqual({ busy: 50, connections: 65 });
  expect(poolSizeOf(0, 50).connections).toBe(1);
});

test('the table reaches a million clients', () => {
  const rows = clientsTable(WORKLOAD, LIMITS, 0.1);
  expect(rows.map(({ clients }) => clients)).toEqual([1, 10, 100, 1000, 1e4, 1e5, 1e6]);
  expect(rows[6].capacity.connectionsPerSecond).toBe(100_000);
});

const anyWorkload = fc.record({
  requestsPerSecond: fc.integer({ min: 1, max: 100_000 }),
  latencyMs: fc.integer({ min: 0, max: 5000 }),
  requestsPerConnection: fc.integer({ min: 1, max: 100 }),
  heldMs: fc.integer({ min: 0, max: 60_000 }),
  sources: fc.integer({ min: 1, max: 8 }),
  destinations: fc.integer({ min: 1, max: 8 }),
  closesFirst: fc.constantFrom('client' as const, 'server' as const),
  isLoopback: fc.boolean(),
});

/** The workload and limits after a cure. */
function cured(cure: Cure, workload: Workload): [Workload, HostLimits] {
  switch (cure.kind) {
    case 'tw-reuse':
      return [workload, { ...LIMITS, twReuse: 1 }];
    case 'port-range':
      return [workload, { ...LIMITS, ports: cure.value }];
    case 'keep-alive':
      return [{ ...workload, requestsPerConnection: cure.value }, LIMITS];
    case 'sources':
      return [{ ...workload, sources: cure.value }, LIMITS];
    case 'destinations':
      return [{ ...workload, destinations: cure.value }, LIMITS];
    default:
      return cure.kind satisfies never;
  }
}

test('a cure that is said to suffice ends the shortage of ports', () => {
  fc.assert(
    fc.property(anyWorkload, (workload) => {
      const failed = curesFor(workload, LIMITS)
        .filter(({ suffices }) => suffices)
        .filter((cure) => capacityOf(...cured(cure, workload)).portsEndMs !== null);
      expect(failed).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});

test('more source addresses, or more destinations, always suffice', () => {
  fc.assert(
    fc.property(anyWorkload, (workload) => {
      const kinds = curesFor(workload, LIMITS)
        .filter(({ suffices }) => suffices)
        .map(({ kind }) => kind);
      expect(kinds).toEqual(expect.arrayContaining(['sources', 'destinations']));
    }),
    { numRuns: 1000 },
  );
});
