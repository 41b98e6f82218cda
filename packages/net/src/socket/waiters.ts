/** Settles the promise of one who waits; a rejected promise as its value rejects it. */
export type Settle<T> = (value: T | PromiseLike<T>) => void;

/**
 * Those who wait for something, first come, first served. An idle connection has one, so one is no list: that is a tenth of
 * the memory of such a connection.
 */
export type Waiters<T> = Settle<T> | Settle<T>[] | null;

let lastSettle: Settle<never>;

/** One function for all promises: no closure for each chunk that is read. */
function keepLast(settle: Settle<never>): void {
  lastSettle = settle;
}

/** A promise of which `settleOfLast()` gives the other end. */
export function newPromise<T>(): Promise<T> {
  return new Promise<T>(keepLast as ConstructorParameters<typeof Promise<T>>[0]);
}

/** Settles what `newPromise()` made last. */
export function settleOfLast<T>(): Settle<T> {
  return lastSettle as Settle<T>;
}

/** Those who wait, with one more at the end. */
export function withLast<T>(waiters: Waiters<T>, settle: Settle<T>): Waiters<T> {
  if (waiters === null) return settle;
  if (typeof waiters === 'function') return [waiters, settle];
  waiters.push(settle);
  return waiters;
}

/** Those who wait, without the first. */
export function withoutFirst<T>(waiters: Waiters<T>): Waiters<T> {
  if (waiters === null || typeof waiters === 'function' || waiters.length === 1) return null;
  waiters.shift();
  return waiters;
}

/** The one who has waited longest. */
export function firstOf<T>(waiters: Settle<T> | Settle<T>[]): Settle<T> {
  return typeof waiters === 'function' ? waiters : waiters[0];
}

/** Gives all of them the same. */
export function settleAll<T>(waiters: Waiters<T>, value: T | PromiseLike<T>): void {
  if (typeof waiters === 'function') waiters(value);
  else for (const settle of waiters ?? []) settle(value);
}

/** Rejects all of them. */
export function rejectAll<T>(waiters: Waiters<T>, error: unknown): void {
  if (waiters !== null) settleAll(waiters, Promise.reject<T>(error));
}
