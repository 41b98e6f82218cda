import { AsyncLocalStorage } from 'node:async_hooks';
import { LeakError } from './leak-error.ts';
import type { OpenSocket } from './open-socket.ts';
import { settle } from './settle.ts';
import { SocketTracker, type TestRef, type TrackedSocket } from './socket-tracker.ts';

/** What counts as left open, and how long to wait for it. */
export interface TrackOptions {
  /** How long sockets that are still open may take to close, ms. 1000 when left out. */
  readonly settleMs?: number | undefined;
  /** Are idle connections of fetch, undici and http.Agent leaks? `allow` (they are none) when left out. */
  readonly pooled?: 'allow' | 'fail' | undefined;
  /** Sockets that are nobody's fault. Asked only about those that are still open. */
  readonly ignore?: ((socket: OpenSocket) => boolean) | undefined;
}

/** How a test runner says which test runs; needed only where `run()` cannot wrap the tests. */
export interface TestContextOptions {
  /** The test to which an asynchronous resource belongs, if it is one's; asked with its asyncId, of async_hooks. */
  readonly testOf?: ((asyncId: number) => TestRef | undefined) | undefined;
}

/** Which of the open sockets are asked for. */
export interface LeakScope {
  /** Only those that this test made. All when left out. */
  readonly test?: TestRef | undefined;
  /** Without those of libraries that keep connections for many tests: pg-pool, mysql2, mongodb, tarn, generic-pool. */
  readonly exceptKept?: boolean | undefined;
}

/** The sockets that were made since, and are open. Disposing it ends the tracking; it closes no socket. */
export interface SocketTracking extends Disposable {
  /** Calls `action`; what it makes, also later in callbacks and promises, belongs to the test. */
  run<T>(test: TestRef, action: () => T): T;
  /** What is open, pooled connections too, after the others have had `settleMs` to close. */
  leaks(scope?: LeakScope): Promise<readonly OpenSocket[]>;
  /**
   * Each socket is reported once: a later call is silent about it. It no longer keeps the program alive (unref), so that the
   * program can end and say so.
   * @throws LeakError when a socket is open that is not pooled (or `pooled: 'fail'`) and not ignored
   */
  assertNone(scope?: LeakScope): Promise<void>;
  /** What the test left open is not reported: it failed, and had no time to clean up. */
  forgive(test: TestRef): void;
  /** What is open no longer keeps the program alive, so that it can end although something was left open. */
  unref(): void;
  /** Takes `unref()` back, but not for what was reported. */
  ref(): void;
}

/**
 * Follows every TCP, TLS and Unix socket and every listener of this thread from now on.
 * @throws RangeError when `settleMs` is no number from 0 on
 * @example
 * using sockets = trackSockets();
 * await runTheCode();
 * await sockets.assertNone();
 */
export function trackSockets(options: TrackOptions & TestContextOptions = {}): SocketTracking {
  const { settleMs = 1000, pooled = 'allow', ignore = () => false, testOf } = options;
  if (!(settleMs >= 0)) throw new RangeError(`settleMs must be 0 or more ms, not ${settleMs}`);
  const context = new AsyncLocalStorage<TestRef>();
  const running = new Set<TestRef>();
  const done = new WeakSet<TrackedSocket>();
  const tracker = new SocketTracker({
    current: testOf ?? (() => context.getStore()),
    running: () => [...running],
  });

  const inScope = ({ test, exceptKept = false }: LeakScope): TrackedSocket[] =>
    tracker.sockets.filter(
      (socket) =>
        (test === undefined || tracker.testOf(socket) === test) &&
        !(exceptKept && tracker.isKeptForAllTests(socket)),
    );
  const isLeak = (socket: TrackedSocket): boolean =>
    !done.has(socket) &&
    (pooled === 'fail' || !tracker.isPooled(socket)) &&
    !ignore(tracker.describe(socket));
  const settled = async (scope: LeakScope): Promise<void> =>
    settle(() => !inScope(scope).some(isLeak), settleMs);

  return {
    run(test, action) {
      running.add(test);
      const end = (): boolean => running.delete(test);
      return context.run(test, () => endWith(action, end));
    },
    async leaks(scope = {}) {
      await settled(scope);
      return inScope(scope).map((socket) => tracker.describe(socket));
    },
    async assertNone(scope = {}) {
      await settled(scope);
      const left = inScope(scope).filter(isLeak);
      if (left.length === 0) return;
      const leaks = left.map((socket) => tracker.describe(socket));
      for (const socket of left) {
        done.add(socket);
        tracker.release(socket);
      }
      throw new LeakError(leaks, scope.test?.name);
    },
    forgive(test) {
      for (const socket of inScope({ test })) done.add(socket);
    },
    unref() {
      for (const socket of tracker.sockets) tracker.release(socket);
    },
    ref() {
      tracker.holdAgain(tracker.sockets.filter((socket) => !done.has(socket)));
    },
    [Symbol.dispose]() {
      tracker[Symbol.dispose]();
      // On Node 20 and 22 it slows every promise down for as long as it is used.
      context.disable();
    },
  };
}

/** Calls `end` when the action, or the promise that it gives, has ended. */
function endWith<T>(action: () => T, end: () => void): T {
  let result: T;
  try {
    result = action();
  } catch (error) {
    end();
    throw error;
  }
  if (result instanceof Promise) return result.finally(end) as T;
  end();
  return result;
}
