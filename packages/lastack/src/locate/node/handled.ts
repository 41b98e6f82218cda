import type { SocketLocation } from '../locator.ts';
import { siteOfFunction, type FunctionSite } from './function-site.ts';
import type { RemoteFunction, RemoteProbe } from './remote-probe.ts';
import type { Scripts } from './scripts.ts';
import type { Session } from './session.ts';

/** A listener of the program: where it is, and of which socket. */
export interface ListenerSite {
  readonly listener: RemoteFunction;
  readonly site: FunctionSite;
  readonly fd: number;
}

/** Sockets whose listeners are asked for one by one; a leak has thousands with the same. */
const SOCKETS_ASKED = 16;
const LISTENERS_ASKED = 24;
/** Lines told of one socket. */
const LINES_TOLD = 3;

/**
 * Asks where the listeners of the sockets are that were found from the given index on. Node's own listeners are left out.
 * @param until stop then, by `session.timeLeftMs`
 */
export async function readListenerSites(
  session: Session,
  probe: RemoteProbe,
  scripts: Scripts,
  sockets: readonly { readonly index: number; readonly fd: number }[],
  until: number,
): Promise<readonly ListenerSite[]> {
  const sites: ListenerSite[] = [];
  for (const { index, fd } of sockets.slice(0, SOCKETS_ASKED)) {
    const listeners = await probe.listenersOfSocket(index);
    for (const listener of listeners.slice(0, LISTENERS_ASKED)) {
      if (session.timeLeftMs < until) return sites;
      const site = await siteOfFunction(session, scripts, listener.objectId);
      if (site !== null && site.place.origin !== 'internal') sites.push({ listener, site, fd });
    }
  }
  return sites;
}

/** The lines that would handle a socket's events: the user's own before those of packages, the nearest first. */
export function handledBy(sites: readonly ListenerSite[]): readonly SocketLocation[] {
  const locations: SocketLocation[] = [];
  for (const fd of new Set(sites.map((site) => site.fd))) {
    const ofSocket = sites.filter((site) => site.fd === fd);
    const own = ofSocket.filter(({ site }) => site.place.origin === 'user');
    const told = new Map<string, SocketLocation>();
    for (const { site, listener } of own.length > 0 ? own : ofSocket) {
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
