/** So few at once that no request can come unseen while the others are done. */
const AT_ONCE = 4;
const due = new Set<() => void>();

/**
 * Calls `done` after `ms`, and after what has arrived by then is read: Node runs its timers before it reads, and on a
 * busy server a request may have been waiting in the kernel for as long as the timer is late.
 * @returns cancels it
 */
export function afterReading(ms: number, done: () => void): () => void {
  const timer = setTimeout(() => {
    if (due.size === 0) setImmediate(doSome);
    due.add(done);
  }, ms);
  return () => {
    clearTimeout(timer);
    due.delete(done);
  };
}

/** Node reads between two immediates. */
function doSome(): void {
  let left = AT_ONCE;
  for (const done of due) {
    due.delete(done);
    done();
    if (--left === 0) break;
  }
  if (due.size > 0) setImmediate(doSome);
}
