import type { LocateTarget, SocketLocation } from '../locator.ts';
import { readExecuting } from './executing.ts';
import { siteOfFunction } from './function-site.ts';
import { handledBy, readListenerSites, type ListenerSite } from './handled.ts';
import { HolderWalk, type Closure } from './held.ts';
import { RemoteProbe } from './remote-probe.ts';
import { Scripts } from './scripts.ts';
import type { Session } from './session.ts';

/** Left for leaving the target when the search must end. */
const RESERVE_MS = 300;
const MOST_CALLS = 300;
const OTHER_LISTENERS = 40;
const WORTH_TELLING_MS = 50;

/** What a search of one thread of JavaScript gave. */
export interface Search {
  readonly locations: SocketLocation[];
  readonly notes: Set<string>;
  /** Descriptors that belong to this thread. */
  readonly fds: Set<number>;
}

export interface SearchOptions {
  readonly target: LocateTarget;
  /** Whether it computes now, so that its stack says what. */
  readonly isBusy: boolean;
}

/**
 * Searches one thread of JavaScript, cheapest first: what it is doing, the listeners of the sockets, then what holds them.
 * What was found by the time that something fails is kept in `search`.
 */
export async function searchThread(
  session: Session,
  { target, isBusy }: SearchOptions,
  search: Search,
): Promise<void> {
  const scripts = new Scripts(session, target.pid);
  // A `debugger` statement of the program would stop it for as long as this takes.
  session.on('Debugger.paused', () => void session.call('Debugger.resume', {}).catch(() => {}));
  await enableDebugger(session, target.pid, search);
  if (isBusy) {
    const executing = await readExecuting(session, scripts, target.pid);
    if (executing !== null) search.locations.push(executing);
  }
  if (target.fds.length === 0) return;
  const probe = await RemoteProbe.start(session, target.fds);
  const first = await probe.found();
  for (const { fd } of first) search.fds.add(fd);
  const sites = await readListenerSites(session, probe, scripts, indexed(first, 0), RESERVE_MS);
  search.locations.push(...handledBy(sites));
  await searchHolders(session, probe, scripts, sites, search);

  // A TLS socket is known by its raw socket at first: what the walk came across has listeners of its own.
  const later = (await probe.found()).slice(first.length);
  for (const { fd } of later) search.fds.add(fd);
  const more = indexed(later, first.length);
  const laterSites = await readListenerSites(session, probe, scripts, more, RESERVE_MS);
  search.locations.push(...withoutTold(handledBy(laterSites), search.locations));
}

/** V8 collects garbage before it lists its scripts, in one piece: 0.2 to 0.4 ms per MB of heap. */
async function enableDebugger(session: Session, pid: number, search: Search): Promise<void> {
  const start = performance.now();
  await session.call('Debugger.enable', {}, session.timeLeftMs);
  const tookMs = Math.round(performance.now() - start);
  if (tookMs <= WORTH_TELLING_MS) return;
  search.notes.add(`process ${pid} was paused for up to ${tookMs} ms, to list its scripts`);
}

async function searchHolders(
  session: Session,
  probe: RemoteProbe,
  scripts: Scripts,
  sites: readonly ListenerSite[],
  search: Search,
): Promise<void> {
  const lastCall = session.calls + MOST_CALLS;
  const walk = new HolderWalk({ session, probe, scripts, lastCall, untilMs: RESERVE_MS });
  try {
    await walk.addPlaces();
    await walk.add(sites.map(({ site, fd }): Closure => ({ site, fd })));
    const others: Closure[] = [];
    for (const { objectId } of await probe.otherListeners(OTHER_LISTENERS)) {
      if (session.timeLeftMs < RESERVE_MS || session.calls > lastCall) break;
      const site = await siteOfFunction(session, scripts, objectId);
      if (site !== null) others.push({ site, fd: null });
    }
    await walk.add(others);
    await walk.search();
  } finally {
    const handled = new Set(ownSites(sites).map(({ fd }) => fd));
    search.locations.push(
      ...walk.servers().filter(({ fd }) => fd !== null && !handled.has(fd)),
      ...walk.locations(),
    );
    for (const note of walk.notes()) search.notes.add(note);
    const held = new Set(search.locations.flatMap(({ role, fd }) => (role === 'held' ? [fd] : [])));
    if (!walk.isComplete && [...search.fds].some((fd) => !held.has(fd))) {
      search.notes.add('not all of the program could be searched for what holds the sockets');
    }
  }
}

function ownSites(sites: readonly ListenerSite[]): readonly ListenerSite[] {
  return sites.filter(({ site }) => site.place.origin === 'user');
}

function indexed(
  found: readonly { readonly fd: number }[],
  first: number,
): readonly { readonly index: number; readonly fd: number }[] {
  return found.map(({ fd }, i) => ({ index: first + i, fd }));
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
