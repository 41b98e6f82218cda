/**
 * Those who wait for something, first come, first served: a linked list, since an idle connection has one waiter and an
 * array of one takes five times the memory.
 */
export interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
  next: Waiter<T> | null;
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
