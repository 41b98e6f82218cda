/** A pool of connections to one destination. */
export interface PoolSize {
  /** Little's law: requests a second × seconds each. */
  readonly busy: number;
  /** With room for requests that come at the same time: busy + 2 √busy (square-root staffing: Halfin and Whitt, 1981). */
  readonly connections: number;
}

/** How many connections a pool needs, so that requests seldom wait for one. */
export function poolSizeOf(requestsPerSecond: number, latencyMs: number): PoolSize {
  const busy = (requestsPerSecond * latencyMs) / 1000;
  return { busy, connections: Math.max(1, Math.ceil(busy + 2 * Math.sqrt(busy))) };
}
