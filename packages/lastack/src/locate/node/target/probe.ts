import type { HolderStep } from '../holder-path.ts';

/**
 * What lastack runs inside of a Node process: this function's text is sent there, so it must need nothing from outside and
 * nothing newer than Node 18. It holds what it finds in its own variables, and goes when the inspector lets it go.
 *
 * It must not disturb the program: it reads own data properties and built-in containers only, so that no getter, no proxy
 * and no method of the program runs; it defines nothing; each call does a bounded piece of work.
 *
 * @param types `util.types`
 * @param handles `process._getActiveHandles()`: the program's open handles that keep it alive
 * @param emitters others that can have listeners of the program: `process`
 * @param pools where Node itself keeps connections, by their name
 * @param modules `require.cache`
 * @param wanted descriptors
 */
export function makeProbe(
  types: ProbeTypes,
  handles: readonly unknown[],
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
  const DEPTH = 7;

  const isObject = (value: unknown): value is object =>
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    !types.isProxy(value);

  const ownData = (object: unknown, key: PropertyKey): unknown => {
    if (!isObject(object)) return undefined;
    const descriptor = Reflect.getOwnPropertyDescriptor(object, key);
    return descriptor !== undefined && 'value' in descriptor ? descriptor.value : undefined;
  };

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
  const found: { readonly fd: number; readonly socket: object }[] = [];
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
    found.push({ fd, socket });
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
    readonly steps: readonly Step[];
  }
  const queue: Place[] = [];
  const visited = new WeakSet<object>();
  const functions: Place[] = [];
  let queueRead = 0;
  /** References looked at, whatever they led to: what a call costs. */
  let work = 0;
  let isCut = false;

  const enter = (from: Place, value: unknown, kind: Step['kind'], name: string): void => {
    work++;
    if (!isObject(value) || visited.has(value)) return;
    if (queue.length - queueRead >= QUEUE_KEPT) isCut = true;
    else queue.push({ value, root: from.root, steps: [...from.steps, { kind, name }] });
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

  /** What a WeakRef refers to, as long as it is there. */
  const enterReferent = (place: Place): void => {
    if (classOf(place.value) !== 'WeakRef') return;
    enter(place, WeakRef.prototype.deref.call(place.value), 'property', 'deref()');
  };

  const isExpandable = (value: object): boolean =>
    !ArrayBuffer.isView(value) &&
    !types.isAnyArrayBuffer(value) &&
    !SKIPPED_CLASSES.test(classOf(value));

  const visit = (place: Place, hits: ProbeHit[]): void => {
    const { value, root, steps } = place;
    const fd = steps.length === 0 ? -1 : fdOf(value);
    for (const served of (steps.length > 0 && servers.get(value)) || []) {
      hits.push({ fd: served, root, steps, isServer: true });
    }
    if (fds.has(fd)) {
      keep(value, fd);
      hits.push({ fd, root, steps, isServer: false });
      return;
    }
    // Another socket: what it holds are Node's own things.
    if (fd >= 0 || visited.has(value)) return;
    visited.add(value);
    if (typeof value === 'function' && functions.length < FUNCTIONS_KEPT) functions.push(place);
    if (steps.length >= DEPTH || !isExpandable(value)) return;
    enterReferent(place);
    enterContents(place);
    enterProperties(place);
  };

  return {
    findMore,
    /** What was found so far, by its index. */
    found: () => found.map(({ fd, socket }) => ({ fd, className: classOf(socket) })),
    listenersOfSocket,
    otherListeners,
    /** Where the walk can begin without a closure: exports of CommonJS modules, and pools of Node's. */
    places: () =>
      [
        ...Object.keys(pools).map((label) => ({ label, isPool: true, value: pools[label] })),
        ...userModules(),
      ].filter(({ value }) => isObject(value)),
    /** Adds scopes, as V8 lists them, to walk from. */
    addScopes: (first: number, scopes: readonly unknown[]): void => {
      for (const [i, scope] of scopes.entries()) {
        const value = ownData(scope, 'object');
        if (isObject(value)) queue.push({ value, root: first + i, steps: [] });
      }
    },
    /** Adds objects to walk from. */
    addRoots: (first: number, roots: readonly unknown[]): void => {
      for (const [i, value] of roots.entries()) {
        if (isObject(value)) queue.push({ value, root: first + i, steps: [] });
      }
    },
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
}

/** `util.types`, as far as the probe needs it. */
export interface ProbeTypes {
  isProxy(value: unknown): boolean;
  isMap(value: unknown): value is ReadonlyMap<unknown, unknown>;
  isSet(value: unknown): value is ReadonlySet<unknown>;
  isAnyArrayBuffer(value: unknown): boolean;
}
