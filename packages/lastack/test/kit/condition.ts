import { setTimeout as pause } from 'node:timers/promises';

export interface Patience {
  /** How long to go on looking, ms. */
  readonly withinMs?: number;
}

/**
 * Looks again and again until `look` gives something truthy, and returns that.
 * @param what completes the sentence "waited 20 s for …"; a function is asked only when the wait has failed
 * @example await until(() => readSockets(ns).length === 3, 'three sockets');
 */
export async function until<T>(
  look: () => T | Promise<T>,
  what: string | (() => string),
  { withinMs = 20_000 }: Patience = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + withinMs;
  // Short pauses first, since most conditions hold after a few ms; longer ones then, to leave the CPU to the programs.
  for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 1.5, 100)) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() >= deadline) {
      const text = typeof what === 'string' ? what : what();
      throw new Error(`waited ${withinMs / 1000} s for ${text}`);
    }
    await pause(pauseMs);
  }
}
