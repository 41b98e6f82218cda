import { timeoutError } from '../timeout-error.ts';
import type { TimeoutPhase } from '../timeouts.ts';

/** Something under way that can be given up. */
export interface Work<T> {
  readonly done: Promise<T>;
  /** Releases all that was begun. */
  readonly giveUp: () => void;
}

export interface ConnectPhasesOptions {
  readonly target: string;
  readonly timeouts: Readonly<Partial<Record<TimeoutPhase, number | undefined>>>;
  readonly signal?: AbortSignal | undefined;
}

const LONGEST_TIMER_MS = 0x7fffffff;

/** The phases of connecting, one after the other: each under its own limit, all under `total` and the signal. */
export class ConnectPhases {
  readonly startedAt = performance.now();
  readonly #options: ConnectPhasesOptions;

  constructor(options: ConnectPhasesOptions) {
    this.#options = options;
  }

  /** @throws TimeoutError of the phase or of `total`, the signal's reason, or what the work rejects with */
  async run<T>(phase: TimeoutPhase, work: Work<T>): Promise<T> {
    const { signal } = this.#options;
    const begunAt = performance.now();
    let timer: NodeJS.Timeout | undefined;
    let onAbort: (() => void) | undefined;
    const stopped = new Promise<never>((_resolve, reject) => {
      const [bounding, limit, since] = this.#limitOf(phase, begunAt);
      if (limit !== Infinity) {
        const delay = Math.min(Math.max(0, Math.ceil(since + limit - begunAt)), LONGEST_TIMER_MS);
        timer = setTimeout(() => reject(this.#expired(bounding, limit, since)), delay);
      }
      onAbort = (): void => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted) onAbort();
    });
    try {
      return await Promise.race([work.done, stopped]);
    } catch (error) {
      work.giveUp();
      throw error;
    } finally {
      clearTimeout(timer);
      if (onAbort) signal?.removeEventListener('abort', onAbort);
    }
  }

  /** The phase's own limit, or `total` where that ends sooner. */
  #limitOf(phase: TimeoutPhase, begunAt: number): [TimeoutPhase, number, number] {
    const limit = this.#options.timeouts[phase] ?? Infinity;
    const total = this.#options.timeouts.total ?? Infinity;
    return this.startedAt + total < begunAt + limit
      ? ['total', total, this.startedAt]
      : [phase, limit, begunAt];
  }

  #expired(phase: TimeoutPhase, timeoutMs: number, since: number): Error {
    return timeoutError(phase, {
      timeoutMs,
      elapsedMs: performance.now() - since,
      bytesWritten: 0,
      bytesRead: 0,
      target: this.#options.target,
    });
  }
}
