import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../lastack/test/kit/condition.ts';
import { HERE, openPair, type Pair, THERE } from '../../../lastack/test/kit/netns.ts';
import { orSkip } from '../../../lastack/test/kit/or-skip.ts';
import { readSockets } from '../../../lastack/test/kit/sockets.ts';
import type { CloseReport } from '../../src/index.ts';
import { canAskForUnacked } from '../../src/socket/unacked-bytes.ts';
import { bundleLibrary } from './programs/bundle.ts';
import { Program } from './programs/run.ts';

interface Fault {
  readonly payload?: number;
  /** What the peer sends and the subject does not read. */
  readonly sends?: number;
  readonly paused?: boolean;
  readonly deadline?: number;
  /** Makes the fault, once the two are connected. */
  readonly begin?: (pair: Pair, peer: Program) => Promise<void> | void;
  readonly outcomes: readonly CloseReport['outcome'][];
}

const DEADLINE = 1_200;
const GRACEFUL = ['graceful'] as const;

const FAULTS: Readonly<Record<string, Fault>> = {
  'unread data': { sends: 3_000_000, outcomes: GRACEFUL },
  'paused peer': { payload: 1_000, paused: true, outcomes: ['deadline'] },
  'zero window': { payload: 20_000_000, paused: true, outcomes: ['deadline'] },
  'simultaneous close': { begin: (_pair, peer) => peer.command('close'), outcomes: GRACEFUL },
  'peer resets': {
    payload: 20_000_000,
    paused: true,
    begin: (_pair, peer) => peer.command('reset'),
    outcomes: ['peer-reset'],
  },
  'dead peer': {
    begin: async ({ here, there }) => {
      await here.obstruct('iifname "veth0" drop');
      await there.obstruct('iifname "veth0" drop');
    },
    outcomes: ['deadline'],
  },
  '20 % loss': {
    payload: 3_000_000,
    deadline: 30_000,
    begin: async ({ here, there }) => {
      const loss = 'iifname "veth0" numgen random mod 100 < 20 drop';
      await Promise.all([here.obstruct(loss), there.obstruct(loss)]);
    },
    outcomes: ['graceful', 'deadline'],
  },
};

let library: Awaited<ReturnType<typeof bundleLibrary>>;

beforeAll(async () => {
  library = await bundleLibrary();
});

afterAll(() => library[Symbol.dispose]());

describe.each(Object.entries(FAULTS))('%s', (_name, fault) => {
  // Side by side: each has namespaces of its own, and spends its time waiting for a limit.
  test.concurrent.for([
    ['client', 'TCP'],
    ['server', 'TCP'],
    ['client', 'TLS'],
    ['server', 'TLS'],
  ] as const)('the %s closes %s', async ([role, transport], ctx) => {
    await using pair = await orSkip(ctx, openPair());
    const { here, there } = pair;
    const tls = transport === 'TLS';
    const { payload = 300_000, sends = 0, paused = false, deadline = DEADLINE } = fault;
    const subjectOptions = {
      library: library.file,
      role,
      tls,
      host: THERE.ipv4,
      payload,
      deadline,
    };
    const peerRole = role === 'client' ? 'server' : 'client';
    const peerOptions = { role: peerRole, tls, host: HERE.ipv4, sends, paused } as const;
    const startSubject = (): Program => new Program(here, 'subject', subjectOptions);
    const startPeer = (): Program => new Program(there, 'peer', peerOptions);
    await using server = role === 'client' ? startPeer() : startSubject();
    expect(await server.answer()).toEqual({ listening: true });
    await using client = role === 'client' ? startSubject() : startPeer();
    const [subject, peer] = role === 'client' ? [client, server] : [server, client];
    await Promise.all([subject.answer(), peer.answer()]);

    if (fault.begin) await orSkip(ctx, Promise.resolve(fault.begin(pair, peer)));
    const { report, sockets, timers } = await subject.ask<{
      report: CloseReport;
      sockets: number;
      timers: number;
    }>('close');

    expect(fault.outcomes).toContain(report.outcome);
    expect(report.durationMs).toBeLessThan(deadline + 2_000);
    expect({ sockets, timers }).toEqual({ sockets: 0, timers: 0 });
    // The kernel may still wait out TIME-WAIT; nothing else of the connection may be there, owned or not.
    await until(
      () => readSockets(here).every(({ state }) => state === 'TIME-WAIT'),
      () => `only TIME-WAIT: ${JSON.stringify(readSockets(here))}`,
    );
    if (report.delivery === 'acked') {
      peer.command('resume');
      await until(
        async () => (await peer.ask<{ received: number }>('count')).received === payload,
        `all ${payload} acknowledged bytes at the peer`,
      );
    }
    const known = canAskForUnacked() ? 'acked' : 'unknown';
    expect(report.outcome !== 'graceful' || report.delivery === known).toBe(true);
  });
});
