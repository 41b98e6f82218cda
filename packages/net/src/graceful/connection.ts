import type { CloseLimits } from '../socket/close-report.ts';

/** How the connections of a server that drains end. */
export interface DrainLimits {
  /** The longest time without a byte that a connection without a request is kept, in milliseconds. */
  readonly idleGrace: number;
  readonly linger: CloseLimits;
}

/** A connection of a server, in the way of its protocol. */
export interface Connection {
  /** The server has stopped listening: end as soon as your peer loses nothing by it. */
  drain(): void;
  /** Ends it now. @returns how many responses that cuts off */
  destroy(): number;
  /** The socket is closed, or another protocol takes it over. */
  release(): void;
}
