/** Something with limits that is looked at from time to time, until it is unwatched. */
export interface Watched {
  /**
   * Ends what is over its limit.
   * @returns when to look again, in ms of `performance.now()`
   */
  check(now: number): number;
}

/**
 * One timer for everything that has a limit: a request that ends in time costs two operations on this set and no timer.
 * The timer is armed for the earliest deadline that is known, and when it fires each is asked for its next one.
 */
const watched = new Set<Watched>();
let timer: NodeJS.Timeout | undefined;
let wakesAt = Infinity;

/** @param firstLookAt in ms of `performance.now()` */
export function watch(item: Watched, firstLookAt: number): void {
  // What is watched keeps the process alive, so that its error is heard of.
  if (watched.size === 0) timer?.ref();
  watched.add(item);
  wakeBy(firstLookAt);
}

export function unwatch(item: Watched): void {
  watched.delete(item);
  if (watched.size === 0) timer?.unref();
}

/** A limit has begun that may end before the next look. */
export function wakeBy(at: number): void {
  if (at >= wakesAt) return;
  clearTimeout(timer);
  wakesAt = at;
  timer = setTimeout(look, Math.min(Math.max(1, Math.ceil(at - performance.now())), MAX_DELAY_MS));
}

/** setTimeout(3) takes 31 bits. */
const MAX_DELAY_MS = 2 ** 31 - 1;

function look(): void {
  timer = undefined;
  wakesAt = Infinity;
  const now = performance.now();
  let next = Infinity;
  for (const item of watched) {
    const at = item.check(now);
    if (at < next) next = at;
  }
  if (watched.size > 0 && next < Infinity) wakeBy(next);
}
