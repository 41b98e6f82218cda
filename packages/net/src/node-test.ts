/** The leak guard for node:test; `node --import @lastack/net/node-test --test` installs it. @packageDocumentation */
import { AsyncResource } from 'node:async_hooks';
import { after, afterEach, beforeEach } from 'node:test';
import timers from 'node:timers';
import { type SocketTracking, type TrackOptions, trackSockets } from './index.ts';
import { RunningTests } from './guard/running-tests.ts';

/** What of a test node:test gives to hooks. */
interface HookContext {
  readonly signal: AbortSignal;
  after(action: () => Promise<void>): void;
}

// As they are before a test replaces them.
const { clearTimeout, setTimeout } = timers;

/** Without a test for so long, the file is at its end. */
const QUIET_MS = 1000;

let options: TrackOptions = {};
let guard: Guard | undefined;

/**
 * Every test from now on that leaves a socket open fails, and the failure shows the line that made it.
 *
 * Importing this module is enough; call it at the top of a test file to set the options.
 * @throws RangeError when `settleMs` is no number from 0 on
 * @example leakGuard({ settleMs: 200 });
 */
export function leakGuard(newOptions: TrackOptions = {}): void {
  options = newOptions;
  guard?.restart();
  guard ??= new Guard();
}

class Guard {
  readonly #tests = new RunningTests();
  /** Hooks that are asked for from here are the file's, whichever test runs. */
  readonly #atRoot = new AsyncResource('LeakGuard');
  #sockets = this.#track();
  #isEndWatched = false;
  #quiet: NodeJS.Timeout | undefined;

  constructor() {
    beforeEach(() => this.#expectMore());
    afterEach((context) => this.#watchEndOf(context as unknown as HookContext));
  }

  restart(): void {
    this.#sockets[Symbol.dispose]();
    this.#sockets = this.#track();
  }

  #track(): SocketTracking {
    return trackSockets({ ...options, testOf: (asyncId) => this.#tests.of(asyncId) });
  }

  /** Asked for as late as this, our actions come after those that the test and the file have asked for. */
  #watchEndOf(context: HookContext): void {
    if (!this.#isEndWatched) {
      this.#isEndWatched = true;
      this.#atRoot.runInAsyncScope(() => {
        after(async () => this.#checkFile());
      });
    }
    const test = this.#tests.find(context.signal);
    if (test === undefined) return;
    context.after(async () => {
      // A test that failed had no time to clean up: one failure, one message.
      if (test.hasFailed) this.#sockets.forgive(test);
      else await this.#sockets.assertNone({ test, exceptKept: true });
    });
    this.#quiet = setTimeout(() => this.#letEnd(), QUIET_MS).unref();
  }

  async #checkFile(): Promise<void> {
    try {
      await this.#sockets.assertNone();
    } catch (error) {
      // Node 22 and 24 print the failure of a file's own hook, and end with 0 where they run without --test.
      process.exitCode = 1;
      throw error;
    }
  }

  #expectMore(): void {
    clearTimeout(this.#quiet);
    this.#sockets.ref();
  }

  /** node:test ends a file when nothing keeps the process alive: something that was left open would do so for ever. */
  #letEnd(): void {
    if (this.#tests.areFinished) this.#sockets.unref();
    else this.#quiet = setTimeout(() => this.#letEnd(), QUIET_MS).unref();
  }
}

/** The process that starts the files has no tests of its own, but the same --import. */
const isStarter =
  process.env['NODE_TEST_CONTEXT'] === undefined &&
  process.execArgv.includes('--test') &&
  !process.execArgv.some((argument) => /isolation=none/.test(argument));

if (!isStarter) leakGuard();
