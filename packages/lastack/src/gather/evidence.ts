import { hostname, release } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import {
  ALL_STATES_MASK,
  isEventLoop,
  type CounterSight,
  seen,
  unavailable,
  type Evidence,
  type Observation,
  type OwnerTable,
  type ProcessFacts,
  type ThreadSight,
} from '@lastack/core';
import { readContainerName } from '../kernel/container.ts';
import { loadLibc } from '../kernel/ffi.ts';
import { inNetns } from '../kernel/netns.ts';
import { readOwners } from '../kernel/owners.ts';
import { readCounters } from '../kernel/procfs/counters.ts';
import { readDescriptorUse, readProcessFacts } from '../kernel/procfs/process-facts.ts';
import { readProcessTree, zombiesByParent } from '../kernel/procfs/process-tree.ts';
import { readSettings } from '../kernel/procfs/settings.ts';
import { startSampling } from '../kernel/procfs/thread-sampler.ts';
import {
  isOwnNetns,
  netnsPathOf,
  readSockets,
  type NetnsChoice,
  type SocketQuery,
  type SocketsRead,
} from './sockets.ts';
import { ownersConcerned } from './owners-concerned.ts';
import { holdersOfUnserved, rankHolders } from './suspects.ts';

/** Threads are sampled over this long, or over the whole window if it is shorter. */
const SAMPLED_MS = 1000;

export interface GatherOptions {
  readonly netns: NetnsChoice;
  /** The process to look at first, however quiet it is. */
  readonly pid?: number | undefined;
  /** Whether one look is all there will be. */
  readonly once: boolean;
}

/** What one look sees. */
interface Look {
  readonly atMs: number;
  readonly sockets: Observation<SocketsRead>;
  readonly owners: Observation<OwnerTable>;
  readonly counters: Observation<CounterSight['last']>;
}

/** What the first look saw of a process, to be compared with the last. */
interface Before {
  readonly zombies: readonly number[];
  readonly open: number | null;
}

/** A host that is being watched since its first look. */
export interface Watch {
  /**
   * Looks again, `ms` from now: the evidence spans the time since the first look, and the threads of the most suspicious
   * processes are sampled meanwhile. After `once`, the first look is all there is, and `ms` is 0.
   */
  after(ms: number): Promise<Evidence>;
}

/** Takes the first look at a host. */
export async function startWatch(options: GatherOptions): Promise<Watch> {
  // Rules take ages from the last look.
  const first = await look(options.netns, options.once ? 'all' : 'none');
  let latest = first;
  let before: ReadonlyMap<number, Before> | null = null;
  return {
    async after(ms) {
      const suspects = suspectsOf(latest, options.pid);
      const sampling = startSampling(suspects, { durationMs: Math.min(ms, SAMPLED_MS) });
      if (options.once) {
        return evidenceOf(first, null, factsOf(first, suspects, await sampling), options);
      }
      before ??= readBefore(suspects);
      await delay(ms);
      const threads = await sampling;
      latest = await look(options.netns, 'all');
      const facts = factsOf(latest, suspects, threads, before);
      return evidenceOf(latest, first, facts, options);
    },
  };
}

async function look(netns: NetnsChoice, info: SocketQuery['info']): Promise<Look> {
  // Started first: the kernel reads descriptors in another thread while the sockets are dumped in this one.
  const owners = readOwners({ libc: loadLibc() });
  const sockets = readSockets({ states: ALL_STATES_MASK, info, netns });
  const counters = inChosenNetns(netns, () => readCounters('/proc/net'));
  const seenOwners = await owners;
  return {
    atMs: Date.now(),
    sockets,
    owners: sockets.kind === 'ok' ? ownersConcerned(seenOwners, sockets.value) : seenOwners,
    counters,
  };
}

function suspectsOf({ sockets, owners }: Look, pid: number | undefined): number[] {
  if (owners.kind === 'unavailable') return pid === undefined ? [] : [pid];
  const ranked = sockets.kind === 'ok' ? rankHolders(sockets.value.table, owners.value) : [];
  return pid === undefined ? ranked : [pid, ...ranked.filter((other) => other !== pid)];
}

function evidenceOf(
  last: Look,
  first: Look | null,
  processes: Evidence['processes'],
  { netns }: GatherOptions,
): Evidence {
  return {
    host: hostname(),
    kernel: release(),
    at: last.atMs,
    windowMs: first === null ? 0 : last.atMs - first.atMs,
    sockets: sightOf(last.sockets, first?.sockets ?? null),
    owners: last.owners,
    firstOwners: first?.owners.kind === 'ok' ? first.owners.value : null,
    processes,
    counters:
      last.counters.kind === 'ok'
        ? seen({
            first: first?.counters.kind === 'ok' ? first.counters.value : null,
            last: last.counters.value,
          })
        : last.counters,
    settings: inChosenNetns(netns, () => readSettings()),
  };
}

function sightOf(
  last: Observation<SocketsRead>,
  first: Observation<SocketsRead> | null,
): Evidence['sockets'] {
  if (last.kind === 'unavailable') return last;
  const { table, netns, method } = last.value;
  return seen({
    first: first?.kind === 'ok' ? first.value.table : null,
    last: table,
    netns,
    method,
  });
}

function factsOf(
  { sockets, owners }: Look,
  suspects: readonly number[],
  threads: ReadonlyMap<number, Observation<ThreadSight>>,
  before: ReadonlyMap<number, Before> = new Map(),
): Observation<ReadonlyMap<number, ProcessFacts>> {
  // Holders that came during the window are looked at too, only not their threads.
  const holders = owners.kind === 'ok' ? owners.value.commands.keys() : [];
  const unserved =
    owners.kind === 'ok' && sockets.kind === 'ok'
      ? holdersOfUnserved(sockets.value.table, owners.value)
      : null;
  const facts = readProcessFacts([...new Set([...suspects, ...holders])], {
    threads,
    // Rules ask it of event loops only, and a process may have 100,000 descriptors.
    socketsOf: (pid) => (hasEventLoop(threads.get(pid)) ? (unserved?.get(pid) ?? null) : null),
    containerOf: (pid) => readContainerName(pid),
  });
  if (facts.kind === 'unavailable') return facts;
  return seen(
    new Map([...facts.value].map(([pid, fact]) => [pid, withBefore(fact, before.get(pid))])),
  );
}

function readBefore(pids: readonly number[]): ReadonlyMap<number, Before> {
  const tree = readProcessTree('/proc');
  const zombies = tree.kind === 'ok' ? zombiesByParent(tree.value) : new Map<number, number[]>();
  return new Map(
    pids.map((pid) => {
      const use = readDescriptorUse('/proc', pid);
      const open = use.kind === 'ok' ? use.value.open : null;
      return [pid, { zombies: zombies.get(pid) ?? [], open }];
    }),
  );
}

function withBefore(facts: ProcessFacts, before: Before | undefined): ProcessFacts {
  if (before === undefined) return facts;
  const { descriptors } = facts;
  return {
    ...facts,
    zombiesBefore: before.zombies,
    descriptors:
      descriptors.kind === 'ok' && before.open !== null
        ? seen({ ...descriptors.value, openBefore: before.open })
        : descriptors,
  };
}

function hasEventLoop(sight: Observation<ThreadSight> | undefined): boolean {
  return sight?.kind === 'ok' && sight.value.threads.some(isEventLoop);
}

/** Counters and sysctls belong to a network namespace; of several, ours is the one that is read. */
function inChosenNetns<T>(choice: NetnsChoice, read: () => Observation<T>): Observation<T> {
  if (choice === 'own' || choice === 'all' || isOwnNetns(choice)) return read();
  const libc = loadLibc();
  if (libc.kind === 'unavailable') {
    return unavailable(`cannot enter a network namespace: ${libc.reason}`, libc.remedy);
  }
  const entered = inNetns(libc.value, netnsPathOf(choice), read);
  return entered.kind === 'ok' ? entered.value : entered;
}
