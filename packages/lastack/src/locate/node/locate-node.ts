import { seen, type Observation } from '@lastack/core';
import { readProcLink } from '../../kernel/procfs/read-proc.ts';
import type { Located, LocateTarget, SocketLocation } from '../locator.ts';
import {
  patienceFor,
  predictQuery,
  type ConfirmQuery,
  type DeepLook,
  type QueryCost,
} from './deep-query.ts';
import { predictSnapshot, refuseSnapshot } from './deep-snapshot.ts';
import { useInspector } from './inspector.ts';
import { lookAtMainThread } from './main-thread.ts';
import { isComputing } from './executing.ts';
import { openInspector } from './open-inspector.ts';
import { heldIn, searchThread, type Search } from './search.ts';
import type { Session } from './session.ts';
import { useWorkers } from './workers.ts';

const IN_ALL_MS = 2000;

/**
 * Finds the lines of a Node process through its inspector: `handled`, `held`, and `executing` when it is busy. To be called
 * only when the user asked for it (`--attach`), and for one process at a time: the inspector is opened by SIGUSR1 where the
 * gate allows that, and closed again; one that was open stays open.
 * @param confirmQuery asked before the whole heap is looked through for sockets that are no active handles; without it, it is not
 * @param how what the heap is looked through for: sockets that were not found, or also what holds them
 *
 * @example
 * const located = await locateNode({ pid: 4121, fds: [23] });
 */
export async function locateNode(
  target: LocateTarget,
  confirmQuery: ConfirmQuery | null = null,
  how: DeepLook = 'query',
): Promise<Observation<Located>> {
  const { pid, fds } = target;
  const before = readInodes(pid, fds);
  const search: Search = {
    locations: [],
    notes: new Set(),
    fds: new Set(),
    unreadAnswers: [],
  };
  const missing = (): readonly number[] => fds.filter((fd) => !search.fds.has(fd));
  const ofWorkers = new Set<number>();
  const unheld = (): readonly number[] => {
    const held = heldIn(search);
    return fds.filter((fd) => !held.has(fd) && !ofWorkers.has(fd));
  };
  const costs: QueryCost[] = [];
  let used = await inspect(pid, search, IN_ALL_MS, async (session, deadline) => {
    const { kind } = await lookAtMainThread(pid);
    const thread = 'the main thread';
    await searchThread(session, { target, isBusy: kind === 'busy', thread }, search);
    const ofMain = new Set(search.fds);
    if (missing().length > 0) await searchWorkers(session, deadline, pid, missing(), search);
    // Workers have heaps of their own, of which no snapshot is taken.
    for (const fd of search.fds) if (!ofMain.has(fd)) ofWorkers.add(fd);
    const isWanted = how === 'query' ? missing().length > 0 : unheld().length > 0;
    if (confirmQuery !== null && isWanted) costs.push(await predictQuery(session, pid));
  });
  for (const cost of costs) {
    if (how === 'query') {
      if (await confirmQuery?.(cost)) used = await queryHeap({ pid, fds: missing() }, cost, search);
      continue;
    }
    const snapshotCost = predictSnapshot(cost);
    const refusal = refuseSnapshot(snapshotCost);
    if (refusal !== null) search.notes.add(refusal);
    else if (await confirmQuery?.(snapshotCost)) {
      used = await snapshotHeap({ pid, fds: unheld() }, snapshotCost, search, missing().length > 0);
    }
  }
  if (used.kind !== 'ok' && search.locations.length === 0) return used;
  if (used.kind !== 'ok') search.notes.add(`the search ended early: ${used.reason}`);
  noteMissing(pid, missing(), search);
  const locations = withoutReused(search.locations, before, readInodes(pid, fds));
  return seen({ locations, notes: [...search.notes], unreadAnswers: search.unreadAnswers });
}

async function inspect(
  pid: number,
  search: Search,
  inAllMs: number,
  use: (session: Session, deadline: number) => Promise<void>,
): Promise<Observation<void>> {
  const inspector = await openInspector(pid);
  if (inspector.kind !== 'ok') return inspector;
  const deadline = performance.now() + inAllMs;
  const note = (text: string): unknown => search.notes.add(text);
  const used = await useInspector(inspector.value, deadline, note, (session) =>
    use(session, deadline),
  );
  if (inspector.value.isOurs) {
    note(`process ${pid} has written lines about its debugger to stderr, because of --attach`);
  } else {
    note(
      `process ${pid} had its inspector open already, and it stays so: whoever may connect to it can run code there`,
    );
  }
  return used;
}

/** Looks through the whole heap for the sockets that are no active handles. */
function queryHeap(
  target: LocateTarget,
  cost: QueryCost,
  search: Search,
): Promise<Observation<void>> {
  const queryMs = patienceFor(cost);
  const thread = 'the main thread';
  return inspect(target.pid, search, queryMs + IN_ALL_MS, (session) =>
    searchThread(session, { target, isBusy: false, thread, queryMs }, search),
  );
}

/** Takes a snapshot of the heap, to see what holds the sockets; if some are no active handles, finds them first. */
function snapshotHeap(
  target: LocateTarget,
  cost: QueryCost,
  search: Search,
  isMissing: boolean,
): Promise<Observation<void>> {
  const snapshotMs = patienceFor(cost);
  const queryMs = isMissing ? snapshotMs : undefined;
  const thread = 'the main thread';
  return inspect(target.pid, search, 2 * snapshotMs + IN_ALL_MS, (session) =>
    searchThread(session, { target, isBusy: false, thread, queryMs, snapshotMs }, search),
  );
}

function noteMissing(pid: number, fds: readonly number[], { notes }: Search): void {
  if (fds.length === 0) return;
  const which = fds.slice(0, 5).join(', ') + (fds.length > 5 ? ', …' : '');
  notes.add(
    `no open handle of process ${pid} has descriptor ${which}: it may be unref'd (--deep=query finds those), or belong to native code`,
  );
}

/** What the descriptors refer to: `socket:[8123]`. */
function readInodes(pid: number, fds: readonly number[]): ReadonlyMap<number, string> {
  const inodes = new Map<number, string>();
  for (const fd of fds) {
    const link = readProcLink(`/proc/${pid}/fd/${fd}`);
    if (link.kind === 'ok') inodes.set(fd, link.value);
  }
  return inodes;
}

/** A descriptor that was closed and given to another socket meanwhile: the lines may be of either. */
function withoutReused(
  locations: readonly SocketLocation[],
  before: ReadonlyMap<number, string>,
  after: ReadonlyMap<number, string>,
): readonly SocketLocation[] {
  return locations.filter(({ fd }) => {
    if (fd === null) return true;
    const now = after.get(fd);
    return now === undefined || now === before.get(fd);
  });
}

/** Worker threads have sockets of their own. */
async function searchWorkers(
  main: Session,
  deadline: number,
  pid: number,
  fds: readonly number[],
  search: Search,
): Promise<void> {
  await useWorkers(main, deadline, async (session) => {
    const options = { target: { pid, fds }, thread: 'a worker thread' };
    await searchThread(session, { ...options, isBusy: await isComputing(session) }, search);
  });
}
