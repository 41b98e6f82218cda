/**
 * Those who wait for something, first come, first served: a linked list, since an idle connection has one waiter and an
 * array of one takes five times the memory.
 */
export interface Waiter<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
  next: Waiter<T> | null;
}

let resolveLast: (value: never) => void;
let rejectLast: (error: unknown) => void;

/** One function for all promises: no closure for each chunk that is read. */
function keepLast(resolve: (value: never) => void, reject: (error: unknown) => void): void {
  resolveLast = resolve;
  rejectLast = reject;
}

export function newWaiter<T>(): Waiter<T> {
  const promise = new Promise<T>(keepLast as ConstructorParameters<typeof Promise<T>>[0]);
  return { promise, resolve: resolveLast as (value: T) => void, reject: rejectLast, next: null };
}

/** Adds a waiter at the end. @returns the first */
export function append<T>(first: Waiter<T> | null, waiter: Waiter<T>): Waiter<T> {
  if (first === null) return waiter;
  let last = first;
  while (last.next !== null) last = last.next;
  last.next = waiter;
  return first;
}

/** Rejects all from `first` on. */
export function rejectFrom<T>(first: Waiter<T> | null, error: unknown): void {
  for (let waiter = first; waiter !== null; waiter = waiter.next) waiter.reject(error);
}
