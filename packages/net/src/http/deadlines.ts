/**
 * Something with limits that is looked at from time to time, until it is unwatched.
 *
 * One timer serves all of them: a request that ends in time costs no timer, only its place in a list, which is why the
 * list's links are in what it lists.
 */
export abstract class Watched {
  /** Links of the list; undefined when it is not in it. */
  before: Watched | undefined;
  after: Watched | undefined;
  /** Whether the process waits for it, so that its error is heard of. */
  keepsAlive = false;

  /**
   * Ends what is over its limit.
   * @returns when to look again, in ms of `performance.now()`
   */
  abstract check(now: number): number;
}

class Head extends Watched {
  override check(): number {
    return Infinity;
  }
}

/** Both ends of the list: it is a ring. */
const head = new Head();
head.before = head;
head.after = head;

/** How many of the list keep the process alive. */
let awake = 0;
let timer: NodeJS.Timeout | undefined;
let wakesAt = Infinity;

/**
 * @param firstLookAt in ms of `performance.now()`
 * @param keepsAlive the process waits for it, so that its error is heard of
 */
export function watch(item: Watched, firstLookAt: number, keepsAlive = true): void {
  item.keepsAlive = keepsAlive;
  if (keepsAlive && awake++ === 0) timer?.ref();
  const last = head.before as Watched;
  item.before = last;
  item.after = head;
  last.after = item;
  head.before = item;
  wakeBy(firstLookAt);
}

/** Nothing happens when it is not watched. */
export function unwatch(item: Watched): void {
  const { before, after } = item;
  if (!before || !after) return;
  before.after = after;
  after.before = before;
  item.before = undefined;
  item.after = undefined;
  if (item.keepsAlive && --awake === 0) timer?.unref();
}

/** A limit has begun that may end before the next look. */
export function wakeBy(at: number): void {
  if (at >= wakesAt) return;
  clearTimeout(timer);
  wakesAt = at;
  timer = setTimeout(look, Math.min(Math.max(1, Math.ceil(at - performance.now())), MAX_DELAY_MS));
  if (awake === 0) timer.unref();
}

/** setTimeout() takes 31 bits. */
const MAX_DELAY_MS = 2 ** 31 - 1;

function look(): void {
  timer = undefined;
  wakesAt = Infinity;
  const now = performance.now();
  let next = Infinity;
  let item = head.after as Watched;
  while (item !== head) {
    // It may leave the list when it is looked at.
    const after = item.after as Watched;
    const at = item.check(now);
    if (at < next) next = at;
    item = after;
  }
  if (head.after !== head && next < Infinity) wakeBy(next);
}
