import type { SocketLocation } from '../locator.ts';
import { scopesOf, siteOfFunction, type FunctionSite, type RemoteScope } from './function-site.ts';
import type { ListenerSite } from './handled.ts';
import type { Inspection } from './inspection.ts';
import { packageOf } from './package-of.ts';
import type { RemoteFunction } from './remote-probe.ts';

/** Kinds of sockets of which this is asked, by their listeners; those of one leak are alike. */
const KINDS_ASKED = 4;
const LISTENERS_ASKED = 8;
/** Functions of packages that are looked behind when nothing of the user's is nearer, and how often. */
const FUNCTIONS_BEHIND = 8;
const ROUNDS = 2;
/** What frameworks call the function of the program that answers the requests of a route. */
const HANDLER = /^handler?$/;
/** More than this do not lead anybody to the line. */
const HANDLERS_TOLD = 3;

/** What was found behind the listeners of packages. */
export interface Near {
  readonly locations: readonly SocketLocation[];
  /** The functions of these lines. */
  readonly sites: readonly FunctionSite[];
  /** Sockets that have the same listeners as one with a line: theirs would say the same. */
  readonly alike: ReadonlySet<number>;
}

/**
 * A framework or client listens to a socket for the program, and has the program's own function at hand: the handler of a
 * route, a listener of the client. Finds the nearest one, behind the package's listeners of sockets that have no other.
 */
export async function findNear(
  inspection: Inspection,
  sites: readonly ListenerSite[],
): Promise<Near> {
  const locations: SocketLocation[] = [];
  const found: FunctionSite[] = [];
  const alike = new Set<number>();
  const ofKinds = new Map<string, boolean>();
  const ofServers = new Map<number, readonly FunctionSite[]>();
  for (const fd of new Set(sites.map((site) => site.fd))) {
    const ofSocket = sites.filter((site) => site.fd === fd);
    const { server } = ofSocket[0];
    const kind = ofSocket.map(({ site }) => site.key).join(' ');
    const isAlike = ofKinds.get(kind);
    let handlers: readonly FunctionSite[] = [];
    if (isAlike === undefined && ofKinds.size < KINDS_ASKED) {
      const [near] = await behind(inspection, ofSocket.filter(isOfSocket), () => true);
      if (near !== undefined) handlers = [near];
      ofKinds.set(kind, near !== undefined);
    }
    if (isAlike === true) alike.add(fd);
    else if (handlers.length === 0 && server !== null) {
      handlers = ofServers.get(server) ?? (await handlersOf(inspection, ofSocket));
      ofServers.set(server, handlers);
    }
    locations.push(...describe(fd, handlers, ofSocket));
    found.push(...handlers);
  }
  return { locations, sites: found, alike };
}

/** A server's listeners lead to the handlers of all its sockets. */
function isOfSocket({ listener }: ListenerSite): boolean {
  return !listener.label.startsWith('server');
}

/** The handlers that a server's framework has; none where they are too many to lead anybody to the line. */
async function handlersOf(
  inspection: Inspection,
  sites: readonly ListenerSite[],
): Promise<readonly FunctionSite[]> {
  const ofServer = sites.filter((site) => !isOfSocket(site));
  const handlers = await behind(inspection, ofServer, ({ label }) => HANDLER.test(label));
  return handlers.length > HANDLERS_TOLD ? [] : handlers;
}

function describe(
  fd: number,
  handlers: readonly FunctionSite[],
  [{ site }]: readonly ListenerSite[],
): readonly SocketLocation[] {
  const which = handlers.length > 1 ? `one of the ${handlers.length} handlers` : 'the nearest';
  const evidence = `${which} behind listeners of the package ${packageOf(site.place.file)}, read through the inspector`;
  return handlers.map(({ place: { file, line }, name }) => ({
    fd,
    role: 'handled',
    file,
    line,
    function: name,
    evidence,
  }));
}

/** The user's own functions behind listeners of packages, nearest first. */
async function behind(
  inspection: Inspection,
  sites: readonly ListenerSite[],
  isWanted: (found: RemoteFunction) => boolean,
): Promise<readonly FunctionSite[]> {
  let functions = sites.slice(0, LISTENERS_ASKED).map(({ listener }) => listener);
  for (let round = 0; round < ROUNDS && functions.length > 0; round++) {
    const scopes = await ownScopesOf(inspection, functions);
    const found = scopes.length === 0 ? [] : await inspection.probe.functionsNear(scopes);
    const { own, others } = await sortOut(inspection, found, isWanted);
    if (own.length > 0) return own;
    functions = others.slice(0, FUNCTIONS_BEHIND);
  }
  return [];
}

/** What the functions close over, without what a whole file has: that does not concern one socket alone. */
async function ownScopesOf(
  { session, scripts, until }: Inspection,
  functions: readonly RemoteFunction[],
): Promise<readonly RemoteScope[]> {
  const scopes: RemoteScope[] = [];
  for (const { objectId } of functions) {
    if (session.timeLeftMs < until) break;
    const site = await siteOfFunction(session, scripts, objectId);
    if (site?.scopes == null || site.place.origin === 'internal') continue;
    const all = await scopesOf(session, site.scopes);
    scopes.push(...all.filter(({ isModule, isOutermost }) => !isModule && !isOutermost));
  }
  return scopes;
}

async function sortOut(
  { session, scripts, until }: Inspection,
  functions: readonly RemoteFunction[],
  isWanted: (found: RemoteFunction) => boolean,
): Promise<{ readonly own: readonly FunctionSite[]; readonly others: readonly RemoteFunction[] }> {
  const own: FunctionSite[] = [];
  const others: RemoteFunction[] = [];
  for (const found of functions) {
    if (session.timeLeftMs < until) break;
    const isOwn = await scripts.isOwnFunction(found.source);
    if (isOwn === false || !isWanted(found)) {
      if (isOwn === false) others.push(found);
      continue;
    }
    const site = await siteOfFunction(session, scripts, found.objectId);
    const isNew = own.every(({ key }) => key !== site?.key);
    if (site?.place.origin === 'user' && isNew) own.push(site);
  }
  return { own, others };
}
