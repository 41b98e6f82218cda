import type { HttpClient } from '@lastack/core';
import type { HolderStep } from '../holder-path.ts';
import type { makeAnswers } from './answers.ts';

/**
 * What lastack runs inside of a Node process: this function's text is sent there, so it must need nothing from outside and
 * nothing newer than Node 18. It holds what it finds in its own variables, and goes when the inspector lets it go.
 *
 * It must not disturb the program: it reads own data properties and built-in containers only, so that no getter, no proxy
 * and no method of the program runs; it defines nothing; each call does a bounded piece of work.
 *
 * @param findAnswers `makeAnswers()`, sent as text with it
 * @param types `util.types`
 * @param handles `process._getActiveHandles()`: the program's open handles that keep it alive
 * @param emitters others that can have listeners of the program: `process`
 * @param pools where Node itself keeps connections, by their name
 * @param modules `require.cache`
 * @param wanted descriptors
 */
export function makeProbe(
  findAnswers: typeof makeAnswers,
  types: ProbeTypes,
  handles: unknown[],
  emitters: readonly unknown[],
  pools: Readonly<Record<string, unknown>>,
  modules: unknown,
  wanted: readonly number[],
) {
  const HANDLES_PER_CALL = 4000;
  const FUNCTIONS_KEPT = 2000;
  const QUEUE_KEPT = 50_000;
  const KEYS_READ = 5000;
  const SERVED_TOLD = 16;
  const TIMER_LISTS = 100;
  const TIMERS_OF_LIST = 20;
  const NEAR_DEPTH = 6;
  const NEAR_WIDTH = 5000;
  const NEAR_KEYS = 100;
  const NEAR_KEPT = 100;
  const DEPTH = 7;

  const isObject = (value: unknown): value is object =>
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    !types.isProxy(value);

  const ownData = (object: unknown, key: PropertyKey): unknown => {
    if (!isObject(object)) return undefined;
    const descriptor = Reflect.getOwnPropertyDescriptor(object, key);
    return descriptor !== undefined && 'value' in descriptor ? descriptor.value : undefined;
  };

  const scopeObject = (scope: unknown): unknown => ownData(scope, 'object');
  const answers = findAnswers({ isObject, ownData });

  const classOf = (object: object): string => {
    const prototype = Reflect.getPrototypeOf(object);
    const name = ownData(ownData(prototype, 'constructor'), 'name');
    return typeof name === 'string' ? name : '';
  };

  // Descriptors of handles come from a getter of Node's own; any other getter is not called.
  const nativeGetters = new WeakSet<object>();
  const isNative = (getter: object): boolean => {
    if (nativeGetters.has(getter)) return true;
    const text = Function.prototype.toString.call(getter);
    // A bound function looks native, whatever it is bound to.
    const isBound = String(ownData(getter, 'name')).startsWith('bound ');
    if (isBound || !/\{\s*\[native code\]\s*\}$/.test(text)) return false;
    nativeGetters.add(getter);
    return true;
  };
  // net.Socket has its handle under a symbol, and others as `_handle`.
  let handleKey: symbol | null = null;
  const handleOf = (object: unknown): unknown => {
    const known = handleKey === null ? undefined : ownData(object, handleKey);
    if (known !== undefined || !isObject(object)) return known;
    const key = Object.getOwnPropertySymbols(object).find((each) => each.description === 'kHandle');
    if (key === undefined) return ownData(object, '_handle');
    handleKey = key;
    return ownData(object, key);
  };
  const fdOf = (object: unknown): number => {
    const handle = handleOf(object);
    for (let at: unknown = handle, i = 0; isObject(at) && i < 6; i++) {
      const descriptor = Reflect.getOwnPropertyDescriptor(at, 'fd');
      if (descriptor?.get !== undefined && isNative(descriptor.get)) {
        const fd: unknown = Reflect.apply(descriptor.get, handle, []);
        return typeof fd === 'number' ? fd : -1;
      }
      at = Reflect.getPrototypeOf(at);
    }
    return -1;
  };

  const fds = new Set(wanted);
  const found: {
    readonly fd: number;
    readonly socket: object;
    readonly client: HttpClient | null;
    readonly isUnread: boolean;
    /** The same number for sockets of the same server; null for one of a client. */
    readonly server: number | null;
  }[] = [];
  const serverNumbers = new WeakMap<object, number>();
  let serversSeen = 0;
  const numberOf = (server: unknown): number | null => {
    if (!isObject(server)) return null;
    const number = serverNumbers.get(server) ?? serversSeen++;
    serverNumbers.set(server, number);
    return number;
  };
  /** What a program holds in the place of a socket: the answer that it carries. */
  const standIns = new WeakMap<object, number>();
  const foundSockets = new WeakSet<object>();
  let handlesRead = 0;

  // Servers of the sockets, and what handles their requests: a framework has those, the program has the framework.
  const servers = new WeakMap<object, number[]>();
  const keepServer = (server: unknown, fd: number): void => {
    if (!isObject(server)) return;
    const served = servers.get(server) ?? [];
    servers.set(server, served);
    if (served.length < SERVED_TOLD) served.push(fd);
  };
  const keep = (socket: object, fd: number): void => {
    if (foundSockets.has(socket)) return;
    foundSockets.add(socket);
    const server = ownData(socket, 'server') ?? ownData(socket, '_server');
    keepServer(server, fd);
    keepServer(ownData(ownData(server, '_events'), 'request'), fd);
    const answer = answers.answerOn(socket);
    for (const each of answer.objects) standIns.set(each, fd);
    const isServer = ownData(socket, '_connections') !== undefined;
    const { client, isUnread } = answer;
    found.push({ fd, socket, client, isUnread, server: numberOf(isServer ? socket : server) });
  };

  /** Looks through some of the handles; true while there are more. */
  const findMore = (): boolean => {
    const end = Math.min(handles.length, handlesRead + HANDLES_PER_CALL);
    for (; handlesRead < end; handlesRead++) {
      const socket = handles[handlesRead];
      if (!isObject(socket)) continue;
      const fd = fdOf(socket);
      if (fds.has(fd)) keep(socket, fd);
    }
    return handlesRead < handles.length;
  };

  type Listener = { readonly label: string; readonly listener: object };
  const listenersOf = (
    emitter: unknown,
    of: string,
    events: readonly string[] | null,
  ): Listener[] => {
    const all = ownData(emitter, '_events');
    if (!isObject(all)) return [];
    const names = events ?? Reflect.ownKeys(all).filter((key) => typeof key === 'string');
    return names.flatMap((event) => {
      const value = ownData(all, event);
      const list: unknown[] =
        Array.isArray(value) && isObject(value) ? value.slice(0, 20) : [value];
      return list.filter(isObject).map((each) => {
        // once() wraps a listener, and keeps it as `listener`.
        const inner = ownData(each, 'listener');
        const listener = typeof inner === 'function' && isObject(inner) ? inner : each;
        return { label: `${of} '${event}'`, listener };
      });
    });
  };

  /** Express keeps the route that a request took with it: its handlers are the program's. */
  const routeOf = (request: unknown): Listener[] => {
    const layers = ownData(ownData(request, 'route'), 'stack');
    if (!Array.isArray(layers) || !isObject(layers)) return [];
    return layers.slice(0, 10).flatMap((layer: unknown) => {
      const listener = ownData(layer, 'handle');
      return isObject(listener) ? [{ label: "request's route", listener }] : [];
    });
  };

  /** Listeners that would handle the events of a socket that was found, nearest first. */
  const listenersOfSocket = (index: number): readonly Listener[] => {
    const { socket } = found[index];
    const message = ownData(socket, '_httpMessage');
    const incoming = ownData(ownData(socket, 'parser'), 'incoming');
    const server = ownData(socket, 'server') ?? ownData(socket, '_server');
    return [
      ...listenersOf(socket, 'socket', ['data', 'readable', 'end', 'close', 'error', 'timeout']),
      ...listenersOf(message, 'request', ['response', 'error', 'close', 'finish', 'timeout']),
      ...routeOf(ownData(message, 'req')),
      ...listenersOf(ownData(message, 'res'), 'response', ['data', 'readable', 'end', 'close']),
      ...listenersOf(incoming, 'message', ['data', 'readable', 'end', 'close', 'aborted']),
      ...listenersOf(socket, 'server', ['connection', 'secureConnection', 'request', 'upgrade']),
      ...listenersOf(server, 'server', ['connection', 'secureConnection', 'request', 'upgrade']),
    ];
  };

  /** Functions that the program has given to setTimeout() and setInterval(): most of its modules have one. */
  const timerListeners = (...scopes: readonly unknown[]): readonly Listener[] => {
    const lists = scopes
      .map((scope) => ownData(ownData(scope, 'object'), 'timerListMap'))
      .find(isObject);
    return (lists === undefined ? [] : Reflect.ownKeys(lists).slice(0, TIMER_LISTS)).flatMap(
      (duration) => {
        const list = ownData(lists, duration);
        const listeners: Listener[] = [];
        let timer = ownData(list, '_idleNext');
        for (let i = 0; i < TIMERS_OF_LIST && isObject(timer) && timer !== list; i++) {
          const listener = ownData(timer, '_onTimeout');
          if (isObject(listener)) listeners.push({ label: 'timer', listener });
          timer = ownData(timer, '_idleNext');
        }
        return listeners;
      },
    );
  };

  /** Listeners of everything else that is open: where the program's collections can be seen from. */
  const otherListeners = (limit: number): readonly Listener[] =>
    [...emitters, ...handles.slice(0, 200)]
      .flatMap((handle) => (isObject(handle) ? listenersOf(handle, classOf(handle), null) : []))
      .slice(0, limit);

  const userModules = () =>
    (isObject(modules) ? Reflect.ownKeys(modules) : [])
      .filter((file) => typeof file === 'string' && !/[/\\]node_modules[/\\]/.test(file))
      .slice(0, 200)
      .map((file) => ({
        label: String(file),
        isPool: false,
        value: ownData(ownData(modules, file), 'exports'),
      }));

  /** A step from an object to what it holds: a property, an element, a value or key of a Map, a member of a Set. */
  type Step = HolderStep;
  interface Place {
    readonly value: object;
    readonly root: number;
    /** Whether the walk came from the user's own code: what a package also has is looked at once more then. */
    readonly isOwn: boolean;
    readonly steps: readonly Step[];
  }
  const queue: Place[] = [];
  const visited = new WeakSet<object>();
  const visitedOwn = new WeakSet<object>();
  const isVisited = (value: object, isOwn: boolean): boolean =>
    visitedOwn.has(value) || (!isOwn && visited.has(value));
  const functions: Place[] = [];
  let queueRead = 0;
  /** References looked at, whatever they led to: what a call costs. */
  let work = 0;
  let isCut = false;

  const enter = (from: Place, value: unknown, kind: Step['kind'], name: string): void => {
    work++;
    if (!isObject(value) || isVisited(value, from.isOwn)) return;
    if (queue.length - queueRead >= QUEUE_KEPT) isCut = true;
    else {
      const { root, isOwn, steps } = from;
      queue.push({ value, root, isOwn, steps: [...steps, { kind, name }] });
    }
  };

  const SKIPPED_CLASSES = /^(TCP|TLSWrap|Pipe|HTTPParser|SecureContext|WeakMap|WeakSet)$/;
  const SKIPPED_KEYS =
    /^(_readableState|_writableState|_events|_handle|prototype|constructor|domain)$/;

  const enterProperties = (place: Place): void => {
    const { value } = place;
    if (Array.isArray(value)) {
      if (value.length > KEYS_READ) isCut = true;
      for (let i = 0; i < Math.min(value.length, KEYS_READ); i++) {
        enter(place, ownData(value, i), 'index', String(i));
      }
      return;
    }
    const keys = Reflect.ownKeys(value);
    if (keys.length > KEYS_READ) isCut = true;
    for (const key of keys.slice(0, KEYS_READ)) {
      if (typeof key === 'string' && SKIPPED_KEYS.test(key)) continue;
      const name = typeof key === 'symbol' ? `[${key.description ?? ''}]` : key;
      enter(place, ownData(value, key), 'property', name);
    }
  };

  const enterContents = (place: Place): void => {
    const { value } = place;
    if (types.isMap(value)) {
      const entries = Map.prototype.entries.call(value) as IterableIterator<[unknown, unknown]>;
      let entry = entries.next();
      for (let i = 0; i < KEYS_READ && entry.done !== true; i++, entry = entries.next()) {
        enter(place, entry.value[1], 'value', '');
        enter(place, entry.value[0], 'key', '');
      }
      if (entry.done !== true) isCut = true;
    }
    if (types.isSet(value)) {
      const members = Set.prototype.values.call(value) as IterableIterator<unknown>;
      let member = members.next();
      for (let i = 0; i < KEYS_READ && member.done !== true; i++, member = members.next()) {
        enter(place, member.value, 'member', '');
      }
      if (member.done !== true) isCut = true;
    }
  };

  const isExpandable = (value: object): boolean =>
    !ArrayBuffer.isView(value) &&
    !types.isAnyArrayBuffer(value) &&
    !SKIPPED_CLASSES.test(classOf(value));

  const addRoots = (first: number, roots: readonly unknown[], isOwn: boolean): void => {
    for (const [i, value] of roots.entries()) {
      if (isObject(value)) queue.push({ value, root: first + i, isOwn, steps: [] });
    }
  };

  const visit = (place: Place, hits: ProbeHit[]): void => {
    const { value, root, isOwn, steps } = place;
    const fd = steps.length === 0 ? -1 : fdOf(value);
    for (const served of (steps.length > 0 && servers.get(value)) || []) {
      hits.push({ fd: served, root, steps, isServer: true, isStandIn: false });
    }
    const carrier = steps.length === 0 ? undefined : standIns.get(value);
    if (carrier !== undefined) {
      hits.push({ fd: carrier, root, steps, isServer: false, isStandIn: true });
      return;
    }
    if (fds.has(fd)) {
      keep(value, fd);
      hits.push({ fd, root, steps, isServer: false, isStandIn: false });
      return;
    }
    // Another socket: what it holds are Node's own things.
    if (fd >= 0 || isVisited(value, isOwn)) return;
    if (typeof value === 'function' && !visited.has(value) && functions.length < FUNCTIONS_KEPT) {
      functions.push(place);
    }
    visited.add(value);
    if (isOwn) visitedOwn.add(value);
    if (steps.length >= DEPTH || !isExpandable(value)) return;
    enterContents(place);
    enterProperties(place);
  };

  /**
   * Functions that can be reached from scopes in few steps, by the name of the property that has them: handlers first, else
   * the nearest first; not through other sockets and servers.
   */
  const functionsNear = (...scopes: readonly unknown[]): readonly Listener[] => {
    const seen = new WeakSet<object>();
    const near: Listener[] = [];
    const handlers: Listener[] = [];
    let level: [name: string, value: unknown][] = scopes.map((scope) => ['', scopeObject(scope)]);
    for (let depth = 0; depth < NEAR_DEPTH; depth++) {
      const next: [name: string, value: unknown][] = [];
      for (const [name, value] of level) {
        if (!isObject(value) || seen.has(value) || value === process) continue;
        seen.add(value);
        if (typeof value === 'function') {
          // What frameworks call the function of the program that answers the requests of a route.
          const kept = name === 'handler' || name === 'handle' ? handlers : near;
          if (kept.length < NEAR_KEPT) kept.push({ label: name, listener: value });
        } else if (next.length < NEAR_WIDTH && fdOf(value) < 0 && isExpandable(value)) {
          for (const key of Reflect.ownKeys(value).slice(0, NEAR_KEYS)) {
            next.push([String(key), ownData(value, key)]);
          }
        }
      }
      level = next;
    }
    return [...handlers, ...near];
  };

  return {
    findMore,
    /** Adds objects that may be sockets, for `findMore()`. */
    addHandles: (more: readonly unknown[]): void => {
      for (let i = 0; i < more.length; i++) handles.push(ownData(more, i));
    },
    functionsNear,
    /** What was found so far, by its index. */
    found: () =>
      found.map(({ fd, client, isUnread, server }) => ({ fd, client, isUnread, server })),
    socketOf: (index: number): object => found[index].socket,
    listenersOfSocket,
    timerListeners,
    /** The function of fetch() whose scopes say what was made of a socket's answer. */
    fetchFunction: (index: number) => answers.functionOf(found[index].socket),
    /** Looks into those scopes for what the program may hold in the socket's place; what it returns has scopes that say more. */
    addFetch: (index: number, ...scopes: readonly unknown[]): object | null => {
      const { objects, next } = answers.readFetch(scopes);
      for (const each of objects) standIns.set(each, found[index].fd);
      return next;
    },
    addResponse: (index: number, ...scopes: readonly unknown[]): void => {
      const response = answers.readResponse(scopes);
      if (response !== null) standIns.set(response, found[index].fd);
    },
    otherListeners,
    /** Where the walk can begin without a closure: exports of CommonJS modules, and pools of Node's. */
    places: () =>
      [
        ...Object.keys(pools).map((label) => ({ label, isPool: true, value: pools[label] })),
        ...userModules(),
      ].filter(({ value }) => isObject(value)),
    /** Adds scopes, as V8 lists them, to walk from: of a package, and of the user's own code. */
    addScopes: (first: number, ...scopes: readonly unknown[]): void =>
      addRoots(first, scopes.map(scopeObject), false),
    addOwnScopes: (first: number, ...scopes: readonly unknown[]): void =>
      addRoots(first, scopes.map(scopeObject), true),
    /** Adds objects of the user's own to walk from. */
    addRoots: (first: number, roots: readonly unknown[]): void => addRoots(first, roots, true),
    /** Walks on for some references; says which wanted sockets it came across, and whether there is more. */
    walk: (budget: number) => {
      const hits: ProbeHit[] = [];
      for (work = 0; work < budget && queueRead < queue.length; work++) {
        const place = queue[queueRead++];
        try {
          visit(place, hits);
        } catch {
          // A variable that is not initialized yet, a revoked proxy: nothing to see.
        }
      }
      if (queueRead > 10_000) {
        queue.splice(0, queueRead);
        queueRead = 0;
      }
      return { hits, isDone: queueRead >= queue.length, isCut, functions: functions.length };
    },
    /** Takes functions that the walk came across. */
    takeFunctions: (count: number) => functions.splice(0, count).map(({ value }) => value),
  };
}

/** A place of the program that leads to a wanted socket. */
export interface ProbeHit {
  readonly fd: number;
  /** Where the walk began, as `addScopes()` was told. */
  readonly root: number;
  readonly steps: readonly HolderStep[];
  /** It is not the socket that is there, but its server. */
  readonly isServer: boolean;
  /** Nor that, but the answer that the socket carries. */
  readonly isStandIn: boolean;
}

/** `util.types`, as far as the probe needs it. */
export interface ProbeTypes {
  isProxy(value: unknown): boolean;
  isMap(value: unknown): value is ReadonlyMap<unknown, unknown>;
  isSet(value: unknown): value is ReadonlySet<unknown>;
  isAnyArrayBuffer(value: unknown): boolean;
}
