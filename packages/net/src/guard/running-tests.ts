import { createHook } from 'node:async_hooks';
import type { TestRef } from './socket-tracker.ts';

/** node:test's own object of a test, as async_hooks shows it. */
interface TestResource {
  readonly name: string;
  /** With the names of those around it. */
  readonly fullName?: string;
  /** The same object that the test's context has. */
  readonly signal: AbortSignal;
  readonly error: unknown;
  readonly finished: boolean;
  /** Null for the one that stands for the file. */
  readonly parent: TestResource | null;
}

class RunningTest implements TestRef {
  readonly #resource: TestResource;

  constructor(resource: TestResource) {
    this.#resource = resource;
  }

  get name(): string {
    return this.#resource.fullName ?? this.#resource.name;
  }

  get hasFailed(): boolean {
    return (this.#resource.error ?? null) !== null;
  }

  is(signal: AbortSignal): boolean {
    return this.#resource.signal === signal;
  }
}

/**
 * Which of node:test's tests an asynchronous resource comes from: each test is one, and all that it does descends from it.
 *
 * AsyncLocalStorage cannot tell: a hook has no way to set it for the test.
 */
export class RunningTests {
  readonly #testOf = new Map<number, RunningTest>();
  /** Tests and suites that had not ended when it was last asked. */
  readonly #unfinished = new Set<TestResource>();

  constructor() {
    createHook({
      init: (asyncId, type, triggerId, resource) => {
        const kind = type === 'Test' ? resource.constructor.name : undefined;
        if (kind === 'Test' || kind === 'Suite') this.#unfinished.add(resource as TestResource);
        const test =
          kind === 'Test' ? new RunningTest(resource as TestResource) : this.#testOf.get(triggerId);
        if (test !== undefined) this.#testOf.set(asyncId, test);
      },
      destroy: (asyncId) => {
        this.#testOf.delete(asyncId);
      },
    }).enable();
  }

  of(asyncId: number): RunningTest | undefined {
    return this.#testOf.get(asyncId);
  }

  /** Every test and suite that is known has ended, and its hooks. */
  get areFinished(): boolean {
    for (const test of this.#unfinished) {
      if (test.finished || test.parent === null) this.#unfinished.delete(test);
    }
    return this.#unfinished.size === 0;
  }

  /** @param signal of the test's context */
  find(signal: AbortSignal): RunningTest | undefined {
    for (const test of this.#testOf.values()) if (test.is(signal)) return test;
    return undefined;
  }
}
