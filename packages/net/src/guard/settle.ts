import timers from 'node:timers';

// As they are before a test replaces them.
const { setImmediate, setTimeout } = timers;
const now = performance.now.bind(performance);

/** The first looks take no time: a socket that was just destroyed is gone some turns of the event loop later. */
const TURNS = 5;
const LONGEST_PAUSE_MS = 100;

/**
 * Looks again and again, in growing pauses, until `isSettled` is true or the time is up.
 * @param withinMs 0 waits for some turns of the event loop only
 */
export async function settle(isSettled: () => boolean, withinMs: number): Promise<void> {
  const deadline = now() + withinMs;
  let pauseMs = 1;
  for (let turn = 0; !isSettled(); turn += 1) {
    if (turn < TURNS) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    } else {
      const waitMs = Math.min(pauseMs, deadline - now());
      if (waitMs <= 0) return;
      await new Promise<void>((resolve) => {
        setTimeout(resolve, waitMs);
      });
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}
