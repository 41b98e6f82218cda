/** What one host asks of its destinations. */
export interface Workload {
  /** Requests a second, to all destinations together. */
  readonly requestsPerSecond: number;
  /** How long a request takes from its start to its end, ms. */
  readonly latencyMs: number;
  /** Requests that share a connection, one after the other; 1 is no keep-alive. */
  readonly requestsPerConnection: number;
  /** How long a connection stays open besides, ms: idle, or forgotten. Infinity is a leak. */
  readonly heldMs: number;
  /** Local addresses that connections are made from. */
  readonly sources: number;
  /** Pairs of address and port that share the load. */
  readonly destinations: number;
  /** Who closes first has the TIME-WAIT. */
  readonly closesFirst: 'client' | 'server';
  /** The destination is on this host: tcp_tw_reuse 2 holds there. */
  readonly isLoopback: boolean;
}

/** What the host allows. */
export interface HostLimits {
  /** Local ports that connect() chooses from. */
  readonly ports: number;
  /** Milliseconds after which a port in TIME-WAIT is given to a new connection to the same destination, by tcp_tw_reuse. */
  readonly twReuseDelayMs: number;
  readonly twReuse: 0 | 1 | 2;
  readonly timestamps: boolean;
  /** Descriptors that the program may have, and has without these connections. */
  readonly descriptorLimit: number;
  readonly descriptorsUsed: number;
  readonly maxTimeWaits: number;
  /** Kernel memory of one TIME-WAIT, bytes. */
  readonly timeWaitBytes: number;
}

/** Connections a second that the workload makes. */
export function connectionRateOf(workload: Workload): number {
  return workload.requestsPerSecond / workload.requestsPerConnection;
}

/** How long a connection is open, ms. */
export function openTimeOf(workload: Workload): number {
  return workload.latencyMs * workload.requestsPerConnection + workload.heldMs;
}
