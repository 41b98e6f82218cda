import type { SocketLocation } from '../locator.ts';
import { scopesOf, siteOfFunction, type FunctionSite, type RemoteScope } from './function-site.ts';
import { formatHolderPath, type HolderStep } from './holder-path.ts';
import type { RemoteFunction, RemoteProbe } from './remote-probe.ts';
import type { Scripts } from './scripts.ts';
import type { Session } from './session.ts';
import type { ProbeHit } from './target/probe.ts';

/** Where the walk began: a scope, what a CommonJS module exports, or a pool of Node's own. */
type Root = ScopeRoot | { readonly kind: 'exports' | 'pool'; readonly label: string };

interface ScopeRoot {
  readonly kind: 'scope';
  readonly site: FunctionSite;
  readonly scope: RemoteScope;
  /** Sockets that this function listens to: they hold it, so that what it holds need not hold them. */
  readonly listensTo: ReadonlySet<number>;
}

/** A function whose scopes are to be searched. */
export interface Closure {
  readonly site: FunctionSite;
  readonly fd: number | null;
}

export interface HeldOptions {
  readonly session: Session;
  readonly probe: RemoteProbe;
  readonly scripts: Scripts;
  /** Calls of the inspector, as `session.calls` counts them, and `session.timeLeftMs`, at which the walk ends. */
  readonly lastCall: number;
  readonly until: number;
  /** The sockets: when something of the user's holds each of them, packages are left alone. */
  readonly wanted: ReadonlySet<number>;
}

function isSameLine(a: SocketLocation, b: SocketLocation | null): boolean {
  return a.file === b?.file && a.line === b.line;
}

/** One call follows so many references, to keep the target's pause short. */
const REFERENCES_PER_CALL = 4000;
const FUNCTIONS_PER_ROUND = 200;
/** Functions of packages whose place is asked for before the walk goes on. */
const PACKAGES_PER_ROUND = 8;
const IS_NATIVE = /\{\s*\[native code\]\s*\}$/;
/** The same code makes many closures; a few of them show what there is. */
const CLOSURES_OF_ONE = 3;
const PATHS_TOLD = 2;
const HITS_KEPT = 20_000;

/** Walks from closures through variables and collections of the program to the sockets. */
export class HolderWalk {
  readonly #options: HeldOptions;
  readonly #roots: Root[] = [];
  readonly #hits: ProbeHit[] = [];
  readonly #expanded = new Map<string, number>();
  /** Of packages: looked into when the user's own code is done. */
  readonly #later: Closure[] = [];
  readonly #ofPackages: RemoteFunction[] = [];
  readonly #unknown: RemoteFunction[] = [];
  /** False when the walk ended before it had seen everything. */
  isComplete = true;

  constructor(options: HeldOptions) {
    this.#options = options;
  }

  /** Searches what can be reached without a closure; to be called first. */
  async addPlaces(): Promise<void> {
    for (const { label, isPool } of await this.#options.probe.addPlaces()) {
      this.#roots.push({ kind: isPool ? 'pool' : 'exports', label });
      const script = isPool ? null : this.#options.scripts.scriptOf(label);
      if (script !== null) await this.#options.scripts.readCode(script);
    }
  }

  /** Adds closures to search; those of packages come last. */
  async add(closures: readonly Closure[]): Promise<void> {
    for (const closure of closures) await this.#expand(closure);
  }

  /** Searches what was added. */
  async search(): Promise<void> {
    await this.#walk();
    for (;;) {
      // What is the user's own leads further than what packages have.
      const rest = [this.#unknown, this.#ofPackages].find(({ length }) => length > 0);
      if (this.#isFound() || !this.#mayGoOn()) return;
      if (this.#later.length > 0) await this.#enter(this.#later.splice(0, PACKAGES_PER_ROUND));
      else if (rest === undefined) return;
      else await this.#enterFunctions(rest.splice(0, PACKAGES_PER_ROUND));
      await this.#walk();
    }
  }

  #isFound(): boolean {
    const own = this.#hits.filter((hit) => !hit.isServer && this.#isOfUser(hit));
    const held = new Set(own.map(({ fd }) => fd));
    return [...this.#options.wanted].every((fd) => held.has(fd));
  }

  /** What holds the sockets: collections of a module before variables of a function, short paths before long ones. */
  locations(): readonly SocketLocation[] {
    const hits = this.#hits.filter((hit) => !hit.isServer && this.#isOfUser(hit));
    return this.#best(hits, PATHS_TOLD);
  }

  /** Where the program has the servers of the sockets, for those that only a framework listens to. */
  servers(): readonly SocketLocation[] {
    const ofUser = this.#hits.filter((hit) => hit.isServer && this.#isOfUser(hit));
    return this.#best(ofUser, 1).map((location) => ({ ...location, role: 'handled' }));
  }

  #best(hits: readonly ProbeHit[], perSocket: number): readonly SocketLocation[] {
    const told = new Map<number, Map<string, SocketLocation>>();
    const ranked = hits.toSorted(
      (a, b) => this.#rank(a) - this.#rank(b) || a.steps.length - b.steps.length,
    );
    for (const hit of ranked) {
      const ofSocket = told.get(hit.fd) ?? new Map<string, SocketLocation>();
      told.set(hit.fd, ofSocket);
      const location = ofSocket.size < perSocket ? this.#describe(hit) : null;
      const isKnown =
        hit.isStandIn && [...ofSocket.values()].some((each) => isSameLine(each, location));
      if (location !== null && !isKnown) {
        ofSocket.set(`${location.file}:${location.line}:${location.name}`, location);
      }
    }
    return [...told.values()].flatMap((ofSocket) => [...ofSocket.values()]);
  }

  #isOfUser({ root }: ProbeHit): boolean {
    const from = this.#roots[root];
    return from.kind === 'exports' || (from.kind === 'scope' && from.site.place.origin === 'user');
  }

  /** The pools of Node's own that sockets are in: they have no line of the user's. */
  pools(): ReadonlyMap<number, string> {
    const pools = new Map<number, string>();
    for (const { fd, root, isServer } of this.#hits) {
      const from = this.#roots[root];
      if (from.kind === 'pool' && !isServer) pools.set(fd, from.label);
    }
    return pools;
  }

  #describe({ fd, root, steps, isServer }: ProbeHit): SocketLocation | null {
    const { scripts } = this.#options;
    const from = this.#roots[root];
    const isName = (text: string): boolean => scripts.isName(text);
    switch (from.kind) {
      case 'pool':
        return null;
      case 'exports': {
        const script = scripts.scriptOf(from.label);
        const variable = steps[0].kind === 'property' ? steps[0].name : '';
        const declared = script === null ? null : scripts.declarationOf(variable, script);
        const { file, line } = declared ?? { file: from.label, line: 1 };
        const name = `exports${formatHolderPath(steps, isName)}`;
        const evidence = `exports of ${from.label}, read through the inspector`;
        return { fd, role: 'held', file, line, function: '(module)', name, evidence };
      }
      case 'scope': {
        const { site, listensTo } = from;
        const isModule = this.#isOfModule(from, steps);
        // A variable beside a socket's own listener is held by the socket, not the other way round.
        if (!isServer && !isModule && listensTo.has(fd)) return null;
        const variable = steps[0].name;
        const { file, line } = scripts.declarationOf(variable, site.scriptId) ?? site.place;
        const name = variable + formatHolderPath(steps.slice(1), isName);
        const evidence = `closure of ${site.name}, ${site.place.file}:${site.place.line}, read through the inspector`;
        const declarer = isName(from.scope.owner) ? from.scope.owner : '(anonymous)';
        const owner = isModule ? '(module)' : declarer;
        return { fd, role: 'held', file, line, function: owner, name, evidence };
      }
      default:
        return from satisfies never;
    }
  }

  #rank({ root, steps }: ProbeHit): number {
    const from = this.#roots[root];
    if (from.kind !== 'scope') return from.kind === 'exports' ? 2 : 9;
    return (this.#isOfModule(from, steps) ? 0 : 1) + (from.site.place.origin === 'user' ? 0 : 3);
  }

  /** A variable of a module lives as long as the program; one of a function as long as something closes over it. */
  #isOfModule({ scope, site }: ScopeRoot, [{ name }]: readonly HolderStep[]): boolean {
    if (scope.isModule) return true;
    return scope.isOutermost && this.#options.scripts.isTopLevel(name, site.scriptId);
  }

  async #walk(): Promise<void> {
    const { probe } = this.#options;
    while (this.#mayGoOn()) {
      const { hits, isDone, isCut, functions } = await probe.walk(REFERENCES_PER_CALL);
      if (isCut) this.isComplete = false;
      if (this.#hits.length < HITS_KEPT) this.#hits.push(...hits);
      if (functions > 0) await this.#enterFound();
      else if (isDone) return;
    }
  }

  /** Of the functions that the walk came across, the user's own at once; those of packages when nothing else is left. */
  async #enterFound(): Promise<void> {
    const { scripts, probe } = this.#options;
    const own: RemoteFunction[] = [];
    for (const found of await probe.takeFunctions(FUNCTIONS_PER_ROUND)) {
      if (!this.#mayGoOn()) return;
      const isOwn = await scripts.isOwnFunction(found.source);
      if (isOwn === true) own.push(found);
      else if (isOwn === null) this.#unknown.push(found);
      else if (!IS_NATIVE.test(found.source)) this.#ofPackages.push(found);
    }
    await this.#enterFunctions(own);
  }

  async #enterFunctions(functions: readonly RemoteFunction[]): Promise<void> {
    const { session, scripts } = this.#options;
    const closures: Closure[] = [];
    for (const { objectId } of functions) {
      if (!this.#mayGoOn()) return;
      const site = await siteOfFunction(session, scripts, objectId);
      if (site !== null) closures.push({ site, fd: null });
    }
    await this.#enter(closures.filter(({ site }) => this.#isWorth(site)));
  }

  async #expand(closure: Closure): Promise<void> {
    if (this.#isWorth(closure.site, closure)) await this.#enter([closure]);
  }

  /** Node's own code is not looked into, a package's only at the end. */
  #isWorth(site: FunctionSite, closure: Closure = { site, fd: null }): boolean {
    const count = this.#expanded.get(site.key) ?? 0;
    if (site.place.origin === 'internal' || count >= CLOSURES_OF_ONE) return false;
    this.#expanded.set(site.key, count + 1);
    if (site.place.origin === 'user') return true;
    this.#later.push(closure);
    return false;
  }

  async #enter(closures: readonly Closure[]): Promise<void> {
    const { session, scripts, probe } = this.#options;
    for (const { site, fd } of closures) {
      if (site.scopes === null || !this.#mayGoOn()) continue;
      await scripts.readCode(site.scriptId);
      const scopes = await scopesOf(session, site.scopes);
      const listensTo = new Set(fd === null ? [] : [fd]);
      const first = this.#roots.length;
      for (const scope of scopes) this.#roots.push({ kind: 'scope', site, scope, listensTo });
      await probe.addScopes(first, site.place.origin === 'user', scopes);
    }
  }

  #mayGoOn(): boolean {
    const { session, lastCall, until } = this.#options;
    const mayGoOn = session.calls < lastCall && session.timeLeftMs > until;
    if (!mayGoOn) this.isComplete = false;
    return mayGoOn;
  }
}
