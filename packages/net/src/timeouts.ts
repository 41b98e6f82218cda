import { inspect } from 'node:util';

/**
 * Limits in milliseconds, one a phase; a phase that is left out has none, unless the function that
 * takes them documents a default. `Infinity` says "no limit" where there is a default.
 *
 * The first three bound making the connection, the next five a message on it, `total` everything.
 */
export interface Timeouts {
  /** Name resolution (getaddrinfo), from the call to the addresses. */
  readonly lookup?: number | undefined;
  /** The TCP handshake, from the first SYN to the connection, over all addresses tried. */
  readonly connect?: number | undefined;
  /** The TLS handshake, from the TCP connection to the negotiated session. */
  readonly tls?: number | undefined;
  /** A write that makes no progress: the longest time without a byte taken by the kernel. */
  readonly write?: number | undefined;
  /** The head of an HTTP response, from the end of the request to the end of the header fields. */
  readonly headers?: number | undefined;
  /** A read that gives nothing: the longest time between two chunks (requests' read time-out). */
  readonly read?: number | undefined;
  /** A connection without traffic in either direction. */
  readonly idle?: number | undefined;
  /** Waiting for a free connection of a pool. */
  readonly pool?: number | undefined;
  /**
   * All of it, from the call to the last byte of the body. A client that follows a redirect or tries again by itself
   * (fetch, got, axios) begins a new exchange with that, and its limit anew: give its call an AbortSignal as well.
   */
  readonly total?: number | undefined;
}

/** The phase that a limit bounds. */
export type TimeoutPhase = keyof Timeouts;

export const TIMEOUT_PHASES: readonly TimeoutPhase[] = [
  'lookup',
  'connect',
  'tls',
  'write',
  'headers',
  'read',
  'idle',
  'pool',
  'total',
];

/**
 * @throws RangeError when a limit is no positive number of milliseconds
 * @throws TypeError for a name that is none of a phase: a limit with a typing error would be no limit
 */
export function checkTimeouts(timeouts: Timeouts): Timeouts {
  const given: unknown = timeouts;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(
      `timeouts must be an object such as { connect: 2000, total: 30_000 }, not ${inspect(given)}`,
    );
  }
  const phases: readonly string[] = TIMEOUT_PHASES;
  const unknown = Object.keys(given).find((name) => !phases.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`timeouts.${unknown} is unknown: there are ${phases.join(', ')}`);
  }
  for (const phase of TIMEOUT_PHASES) {
    const limit: unknown = timeouts[phase];
    if (limit !== undefined && !(typeof limit === 'number' && limit > 0)) {
      throw new RangeError(
        `timeouts.${phase} must be a positive number of milliseconds, not ${inspect(limit)}`,
      );
    }
  }
  return timeouts;
}
