import type { LocateTarget, SocketLocation, UnreadAnswer } from '../locator.ts';
import { notesOfSockets } from './answer-notes.ts';
import { querySockets } from './deep-query.ts';
import { holdersIn, takeSnapshot } from './deep-snapshot.ts';
import { readExecuting } from './executing.ts';
import { addFetchAnswers } from './fetch-answers.ts';
import { scopesOf, siteOfFunction, type FunctionSite } from './function-site.ts';
import { handledBy, readListenerSites, type ListenerSite } from './handled.ts';
import { HolderWalk, type Closure } from './held.ts';
import type { Inspection } from './inspection.ts';
import { findNear } from './near.ts';
import { packageOf } from './package-of.ts';
import { RemoteProbe, type RemoteFunction } from './remote-probe.ts';
import { Scripts } from './scripts.ts';
import type { Session } from './session.ts';

/** Left for leaving the target when the search must end. */
const RESERVE_MS = 300;
/** However long the program was stopped before, for the sockets. */
const LONGEST_WALK_MS = 2000;
const MOST_CALLS = 300;
const OTHER_LISTENERS = 40;
const WORTH_TELLING_MS = 50;
const NOT_ALL = 'not all of the program could be searched for what holds the sockets';

/** What a search of one thread of JavaScript gave. */
export interface Search {
  readonly locations: SocketLocation[];
  readonly notes: Set<string>;
  /** Descriptors that belong to this thread. */
  readonly fds: Set<number>;
  readonly unreadAnswers: UnreadAnswer[];
}

export interface SearchOptions {
  readonly target: LocateTarget;
  /** Whether it computes now, so that its stack says what. */
  readonly isBusy: boolean;
  /** How the user knows it: `the main thread`. */
  readonly thread: string;
  /** How long to wait for a look through the whole heap, ms; absent where that is not wanted. */
  readonly queryMs?: number | undefined;
  /** How long to wait for a snapshot of the heap, ms; absent where that is not wanted. */
  readonly snapshotMs?: number | undefined;
}

/**
 * Searches one thread of JavaScript, cheapest first: what it is doing, the listeners of the sockets, then what holds them.
 * What was found by the time that something fails is kept in `search`.
 */
export async function searchThread(
  session: Session,
  { target, isBusy, thread, queryMs, snapshotMs }: SearchOptions,
  search: Search,
): Promise<void> {
  const scripts = new Scripts(session, target.pid);
  // A `debugger` statement of the program would stop it for as long as this takes.
  session.on('Debugger.paused', () => void session.call('Debugger.resume', {}).catch(() => {}));
  await enableDebugger(session, target.pid, search);
  if (isBusy) {
    const executing = await readExecuting(session, scripts, `${thread} of process ${target.pid}`);
    if (executing !== null) search.locations.push(executing);
  }
  if (target.fds.length === 0) return;
  const probe = await RemoteProbe.start(session, target.fds);
  if (queryMs !== undefined) {
    const start = performance.now();
    const sockets = await querySockets(session, queryMs);
    const tookMs = Math.round(performance.now() - start);
    search.notes.add(
      `process ${target.pid} stood still for up to ${tookMs} ms, because of --deep=query`,
    );
    await probe.findAmong(sockets);
  }
  const until = Math.max(RESERVE_MS, session.timeLeftMs - LONGEST_WALK_MS);
  const inspection = { session, probe, scripts, until };
  const first = await probe.found();
  const listened = await readListeners(inspection, first, 0, search);
  const ofFetch = first.flatMap(({ client }, index) => (client === 'fetch' ? [index] : []));
  await addFetchAnswers(inspection, ofFetch);
  const pools = await searchHolders(inspection, listened, search);

  // A TLS socket is known by its raw socket at first: what the walk came across has listeners of its own.
  const later = (await probe.found()).slice(first.length);
  const more = await readListeners(inspection, later, first.length, search);

  const located = new Set([
    ...search.locations.map(({ fd }) => fd),
    ...listened.alike,
    ...more.alike,
  ]);
  // Of fetch() only some sockets are asked; a line of theirs stands for the others.
  const isFetchLocated = first.some(({ fd, client }) => client === 'fetch' && located.has(fd));
  if (snapshotMs !== undefined) {
    await addHoldersInHeap(inspection, [...first, ...later], snapshotMs, target.pid, search);
    for (const { fd } of search.locations) located.add(fd);
  }
  const withoutLine = [...first, ...later].filter(
    ({ fd, client }) => !located.has(fd) && !(client === 'fetch' && isFetchLocated),
  );
  const packages = packagesBySocket([...listened.sites, ...more.sites]);
  const notes = notesOfSockets(
    withoutLine.map((socket) => ({
      ...socket,
      pool: pools.get(socket.fd) ?? null,
      package: packages.get(socket.fd) ?? null,
    })),
  );
  for (const note of notes) search.notes.add(note);
}

/** Looks for what holds the sockets in a snapshot of the heap, where the walk has not found it. */
async function addHoldersInHeap(
  { session, probe, scripts }: Inspection,
  found: readonly Found[],
  snapshotMs: number,
  pid: number,
  search: Search,
): Promise<void> {
  const held = heldIn(search);
  const sockets = found.flatMap(({ fd }, index) => (held.has(fd) ? [] : [{ index, fd }]));
  if (sockets.length === 0) return;
  const start = performance.now();
  const snapshot = await takeSnapshot(session, snapshotMs);
  const tookMs = Math.round(performance.now() - start);
  search.notes.add(`process ${pid} stood still for up to ${tookMs} ms, because of --deep=snapshot`);
  const holders = await holdersIn(snapshot, sockets, { session, probe, scripts });
  search.locations.push(...holders);
  const now = heldIn(search);
  if ([...search.fds].every((fd) => now.has(fd))) search.notes.delete(NOT_ALL);
  const unheld = [...new Set(sockets.map(({ fd }) => fd))].filter((fd) => !now.has(fd));
  if (unheld.length === 0) return;
  search.notes.add(
    `no variable of the program's own leads to descriptor ${unheld.slice(0, 5).join(', ')}${unheld.length > 5 ? ', …' : ''} in a snapshot of the heap: its own listeners, a package or Node may hold it`,
  );
}

/** Descriptors of sockets for which something that holds them was found. */
export function heldIn({ locations }: Search): ReadonlySet<number | null> {
  return new Set(locations.flatMap(({ role, fd }) => (role === 'held' ? [fd] : [])));
}

type Found = Awaited<ReturnType<RemoteProbe['found']>>[number];

interface Listened {
  /** Listeners of the sockets, and functions of the user's behind those of packages. */
  readonly sites: readonly ListenerSite[];
  readonly near: readonly FunctionSite[];
  /** Sockets for which the lines of others stand. */
  readonly alike: ReadonlySet<number>;
}

/** Finds what handles the events of sockets that the probe has found. */
async function readListeners(
  inspection: Inspection,
  found: readonly Found[],
  firstIndex: number,
  search: Search,
): Promise<Listened> {
  const sockets = found.map(({ fd, server }, i) => ({ index: firstIndex + i, fd, server }));
  for (const { fd, client, isUnread } of found) {
    search.fds.add(fd);
    if (client !== null && isUnread) search.unreadAnswers.push({ fd, client });
  }
  const sites = await readListenerSites(inspection, sockets);
  const own = handledBy(sites);
  const handled = new Set(own.map(({ fd }) => fd));
  const near = await findNear(
    inspection,
    sites.filter(({ fd }) => !handled.has(fd)),
  );
  search.locations.push(...withoutTold([...own, ...near.locations], search.locations));
  return { sites, near: near.sites, alike: near.alike };
}

/** Of each socket the package whose listener is the nearest. */
function packagesBySocket(sites: readonly ListenerSite[]): ReadonlyMap<number, string> {
  return new Map(
    sites.toReversed().flatMap(({ fd, site }) => {
      const name = packageOf(site.place.file);
      return name === null ? [] : [[fd, name] as const];
    }),
  );
}

/** V8 collects garbage before it lists its scripts, in one piece: 0.2 to 0.4 ms per MB of heap. */
async function enableDebugger(session: Session, pid: number, search: Search): Promise<void> {
  const start = performance.now();
  await session.call('Debugger.enable', {}, session.timeLeftMs);
  const tookMs = Math.round(performance.now() - start);
  if (tookMs <= WORTH_TELLING_MS) return;
  search.notes.add(`process ${pid} was paused for up to ${tookMs} ms, to list its scripts`);
}

/** @returns the pools of Node's own that sockets are in */
async function searchHolders(
  inspection: Inspection,
  { sites, near }: Listened,
  search: Search,
): Promise<ReadonlyMap<number, string>> {
  const { session, probe, scripts, until } = inspection;
  const wanted = new Set(search.fds);
  const walk = new HolderWalk({ ...inspection, lastCall: MOST_CALLS, wanted });
  try {
    await walk.addPlaces();
    await walk.add(near.map((site): Closure => ({ site, fd: null })));
    await walk.add(sites.map(({ site, fd }): Closure => ({ site, fd })));
    const others: Closure[] = [];
    const listeners = [
      ...(await timerListeners(inspection)),
      ...(await probe.otherListeners(OTHER_LISTENERS)),
    ];
    const asked = new Set<string>();
    for (const { objectId, source } of listeners) {
      if (session.timeLeftMs < until || session.calls > MOST_CALLS) break;
      // Of a package's function one is enough.
      if (asked.has(source) && (await scripts.isOwnFunction(source)) === false) continue;
      asked.add(source);
      const site = await siteOfFunction(session, scripts, objectId);
      if (site !== null) others.push({ site, fd: null });
    }
    await walk.add(others);
    await walk.search();
    return walk.pools();
  } finally {
    const handled = new Set(search.locations.map(({ fd }) => fd));
    search.locations.push(
      ...walk.servers().filter(({ fd }) => !handled.has(fd)),
      ...walk.locations(),
    );
    const held = heldIn(search);
    if (!walk.isComplete && [...search.fds].some((fd) => !held.has(fd))) {
      search.notes.add(NOT_ALL);
    }
  }
}

/** Functions that the program's timers will call; none where setTimeout() is not Node's own. */
async function timerListeners({
  session,
  probe,
  scripts,
}: Inspection): Promise<readonly RemoteFunction[]> {
  const objectId = await probe.timerFunction();
  const site = objectId === null ? null : await siteOfFunction(session, scripts, objectId);
  if (site?.scopes == null || site.place.origin !== 'internal') return [];
  return probe.timerListeners(await scopesOf(session, site.scopes));
}

function withoutTold(
  locations: readonly SocketLocation[],
  told: readonly SocketLocation[],
): readonly SocketLocation[] {
  return locations.filter(
    ({ fd, file, line }) =>
      !told.some((each) => each.fd === fd && each.file === file && each.line === line),
  );
}
