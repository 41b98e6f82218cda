import type { SocketLocation } from '../locator.ts';
import { siteOfFunction, type FunctionSite } from './function-site.ts';
import type { Inspection } from './inspection.ts';
import type { RemoteFunction } from './remote-probe.ts';

/** A listener of the program: where it is, and of which socket. */
export interface ListenerSite {
  readonly listener: RemoteFunction;
  readonly site: FunctionSite;
  readonly fd: number;
  /** The same number for sockets of the same server; null for one of a client. */
  readonly server: number | null;
}

/** A socket that was found, by its index in the probe. */
export interface FoundSocket {
  readonly index: number;
  readonly fd: number;
  readonly server: number | null;
}

/** Sockets whose listeners are asked for one by one; a leak has thousands with the same. */
const SOCKETS_ASKED = 16;
const LISTENERS_ASKED = 24;
/** Lines told of one socket. */
const LINES_TOLD = 3;

/** Asks where the listeners of the sockets are. Node's own listeners are left out. */
export async function readListenerSites(
  { session, probe, scripts, until }: Inspection,
  sockets: readonly FoundSocket[],
): Promise<readonly ListenerSite[]> {
  const sites: ListenerSite[] = [];
  // Of a package's listener one is enough: it says the same of every socket.
  const ofPackages = new Map<string, FunctionSite | null>();
  for (const { index, fd, server } of sockets.slice(0, SOCKETS_ASKED)) {
    const listeners = await probe.listenersOfSocket(index);
    for (const listener of listeners.slice(0, LISTENERS_ASKED)) {
      if (session.timeLeftMs < until) return sites;
      const key = `${listener.label} ${listener.source}`;
      const isOwn = await scripts.isOwnFunction(listener.source);
      const known = isOwn === false ? ofPackages.get(key) : undefined;
      const site = known ?? (await siteOfFunction(session, scripts, listener.objectId));
      if (isOwn === false && known === undefined) {
        ofPackages.set(key, site === null ? null : { ...site, scopes: null });
      }
      if (site !== null && site.place.origin !== 'internal') {
        sites.push({ listener, site, fd, server });
      }
    }
  }
  return sites;
}

/** The user's own lines that would handle a socket's events, the nearest first. */
export function handledBy(sites: readonly ListenerSite[]): readonly SocketLocation[] {
  const locations: SocketLocation[] = [];
  for (const fd of new Set(sites.map((site) => site.fd))) {
    const own = sites.filter(({ site, ...each }) => each.fd === fd && site.place.origin === 'user');
    const told = new Map<string, SocketLocation>();
    for (const { site, listener } of own) {
      if (told.has(site.key) || told.size >= LINES_TOLD) continue;
      told.set(site.key, {
        fd,
        role: 'handled',
        file: site.place.file,
        line: site.place.line,
        function: site.name,
        evidence: `listener of the ${listener.label}, read through the inspector`,
      });
    }
    locations.push(...told.values());
  }
  return locations;
}
