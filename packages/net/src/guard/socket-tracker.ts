import { createHook, executionAsyncId, type HookCallbacks } from 'node:async_hooks';
import dc from 'node:diagnostics_channel';
import {
  type Handle,
  isGone,
  isTls,
  localAddress,
  ownerOf,
  remoteAddress,
  type TlsHandle,
} from './handle.ts';
import { type OpenSocket, REMEDIES, type SocketKind } from './open-socket.ts';
import { LazyOrigin } from './origin.ts';
import { isOfPoolLibrary, Pools } from './pools.ts';

/** A test, known by its identity; names may be the same. */
export interface TestRef {
  /** For messages. */
  readonly name: string;
}

/** Where and for whom a socket was made. */
interface Making {
  readonly origin: LazyOrigin;
  readonly test: TestRef | undefined;
  readonly during: readonly TestRef[];
}

/** A handle that was made. */
export interface TrackedSocket extends Making {
  readonly type: string;
  readonly handle: Handle;
  /** What accepted it, if it was accepted. */
  readonly listener: TrackedSocket | undefined;
}

/** Published at once when listen() is called; the handle may be made later, without a line of the program on the stack. */
const LISTEN = 'tracing:net.server.listen:asyncStart';

/** Closed sockets are forgotten when so many are known. */
const SWEEP_FROM = 1000;

/** Who runs, asked whenever a socket is made. */
export interface WhoRuns {
  /** The test to which what happens now belongs. */
  readonly current: (asyncId: number) => TestRef | undefined;
  /** All that run now. */
  readonly running: () => readonly TestRef[];
}

/**
 * Follows every socket of this thread from its making to its closing, by async_hooks.
 *
 * Node's resource types: TCPWRAP and PIPEWRAP are connections, TCPSERVERWRAP and PIPESERVERWRAP listeners; a TLSWRAP is
 * no socket, but lies on one; a TCPCONNECTWRAP is an attempt to connect.
 */
export class SocketTracker implements Disposable {
  readonly #sockets = new Map<number, TrackedSocket>();
  readonly #sessions = new Set<WeakRef<TlsHandle>>();
  /** Owner → its making, where the handle that it has now was made later than itself. */
  readonly #makings = new WeakMap<object, Making>();
  readonly #pools = new Pools();
  /** Unref'd by us. */
  readonly #released = new WeakSet<Handle>();
  readonly #whoRuns: WhoRuns;
  #sweepAt = SWEEP_FROM;
  readonly #hook = createHook({
    // Without destroy(), for which Node would watch the collection of every promise.
    init: (asyncId, type, triggerId, resource) => this.#init(asyncId, type, triggerId, resource),
    // Since Node 24: promises then cost nothing at all.
    trackPromises: false,
  } as HookCallbacks);

  constructor(whoRuns: WhoRuns) {
    this.#whoRuns = whoRuns;
    this.#hook.enable();
    dc.subscribe(LISTEN, this.#noteListen);
  }

  get sockets(): readonly TrackedSocket[] {
    // Standard input and output are the program's, whenever they are first used.
    return [...this.#sockets.values()].filter(
      ({ handle }) => !isGone(handle) && !isStandard(handle),
    );
  }

  #init(asyncId: number, type: string, triggerId: number, resource: object): void {
    switch (type) {
      case 'TCPWRAP':
      case 'PIPEWRAP':
      case 'TCPSERVERWRAP':
      case 'PIPESERVERWRAP': {
        const listener = this.#sockets.get(triggerId);
        const isAccepted = listener !== undefined && isListening(listener.type);
        if (this.#sockets.size >= this.#sweepAt) this.#sweep();
        this.#sockets.set(asyncId, {
          ...(isAccepted ? this.#makingOfAccepted(listener) : this.#makingNow()),
          type,
          handle: resource,
          listener: isAccepted ? listener : undefined,
        });
        break;
      }
      case 'TLSWRAP':
        this.#sessions.add(new WeakRef(resource));
        break;
      case 'TCPCONNECTWRAP':
        this.#noteAttempt(triggerId);
        break;
      default:
    }
  }

  #sweep(): void {
    for (const [asyncId, { handle }] of this.#sockets) {
      if (isGone(handle)) this.#sockets.delete(asyncId);
    }
    for (const session of this.#sessions) {
      if (session.deref() === undefined) this.#sessions.delete(session);
    }
    this.#sweepAt = Math.max(SWEEP_FROM, this.#sockets.size * 2);
  }

  #makingNow(): Making {
    const test = this.#whoRuns.current(executionAsyncId());
    const during = test === undefined ? this.#whoRuns.running() : [];
    return { origin: new LazyOrigin(), test, during };
  }

  /** It is its listener's: made where that was, and for whom. Nothing of the program is on the stack. */
  #makingOfAccepted(listener: TrackedSocket): Making {
    const { origin, test } = this.#makingOf(listener);
    return { origin, test, during: test === undefined ? this.#whoRuns.running() : [] };
  }

  /** A name with several addresses is tried with a handle for each; the first was made where connect() was called. */
  #noteAttempt(handleId: number): void {
    const socket = this.#sockets.get(handleId);
    const owner = socket && ownerOf(socket.handle);
    if (isObject(owner) && !this.#makings.has(owner)) this.#makings.set(owner, socket as Making);
  }

  #noteListen = (message: unknown): void => {
    const { server } = message as { server?: unknown };
    if (isObject(server)) this.#makings.set(server, this.#makingNow());
  };

  #makingOf(socket: TrackedSocket): Making {
    const owner = ownerOf(socket.handle);
    return (isObject(owner) ? this.#makings.get(owner) : undefined) ?? socket;
  }

  testOf(socket: TrackedSocket): TestRef | undefined {
    return this.#makingOf(socket).test;
  }

  isKeptForAllTests(socket: TrackedSocket): boolean {
    return isOfPoolLibrary(this.#makingOf(socket).origin.value.stack);
  }

  describe(socket: TrackedSocket): OpenSocket {
    const { type, handle } = socket;
    const { origin, test, during } = this.#makingOf(socket);
    const local = localAddress(handle);
    const remote = isListening(type) ? undefined : remoteAddress(handle);
    const sessions = [...this.#sessions].flatMap((session) => session.deref() ?? []);
    return {
      kind: kindOf(socket, isTls(handle, sessions)),
      ...(local !== undefined && { local }),
      ...(remote !== undefined && { remote }),
      ...(handle.fd !== undefined && handle.fd >= 0 && { fd: handle.fd }),
      accepted: isAccepted(socket),
      createdAt: origin.value,
      ...(test !== undefined && { test: test.name }),
      ...(during.length > 0 && { during: during.map(({ name }) => name) }),
      pooled: this.isPooled(socket),
      remedy: this.#remedyOf(socket, origin.value.stack),
    };
  }

  isPooled(socket: TrackedSocket): boolean {
    const { handle } = socket;
    if (this.#isIdle(handle)) return true;
    if (!isAccepted(socket)) return false;
    const [local, remote] = [localAddress(handle), remoteAddress(handle)];
    return this.sockets.some(
      (other) =>
        this.#isIdle(other.handle) &&
        remote !== undefined &&
        localAddress(other.handle) === remote &&
        remoteAddress(other.handle) === local,
    );
  }

  #isIdle(handle: Handle): boolean {
    return !this.#released.has(handle) && this.#pools.isIdle(handle);
  }

  /** It no longer keeps the program alive. */
  release({ handle }: TrackedSocket): void {
    if (this.#released.has(handle) || handle.hasRef?.() === false) return;
    handle.unref?.();
    this.#released.add(handle);
  }

  /** What was released keeps the program alive again. */
  holdAgain(sockets: readonly TrackedSocket[]): void {
    for (const { handle } of sockets) if (this.#released.delete(handle)) handle.ref?.();
  }

  #remedyOf(socket: TrackedSocket, stack: string): string {
    const { type, handle } = socket;
    if (isListening(type)) return REMEDIES.listener;
    if (isAccepted(socket)) return REMEDIES.accepted;
    if (type === 'PIPEWRAP' && stack.includes('node:internal/child_process')) return REMEDIES.child;
    return REMEDIES[this.#pools.clientOf(handle) ?? 'client'];
  }

  [Symbol.dispose](): void {
    this.#hook.disable();
    dc.unsubscribe(LISTEN, this.#noteListen);
    this.#pools[Symbol.dispose]();
    this.#sockets.clear();
    this.#sessions.clear();
  }
}

function kindOf(socket: TrackedSocket, isTls: boolean): SocketKind {
  const { type } = socket;
  if (isListening(type)) return 'listener';
  if (type === 'PIPEWRAP') return 'pipe';
  if (isTls) return 'tls';
  return isAccepted(socket) ? 'tcp server side' : 'tcp client';
}

/** By a listener that is older than the tracking, too: then no code at all runs while it is made. */
function isAccepted({ type, listener, origin }: TrackedSocket): boolean {
  return listener !== undefined || (!isListening(type) && origin.value.stack === '');
}

function isListening(type: string): boolean {
  return type === 'TCPSERVERWRAP' || type === 'PIPESERVERWRAP';
}

function isStandard({ fd }: Handle): boolean {
  return fd !== undefined && fd >= 0 && fd <= 2;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
