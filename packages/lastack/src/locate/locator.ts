import type { HttpClient, Location, Observation } from '@lastack/core';

/** Sockets of one process whose lines of code are sought. */
export interface LocateTarget {
  readonly pid: number;
  /** The descriptors in question; empty asks what the process is doing. */
  readonly fds: readonly number[];
}

/** A location of one socket; of the whole process where `fd` is null. */
export interface SocketLocation extends Location {
  readonly fd: number | null;
}

export interface Located {
  readonly locations: readonly SocketLocation[];
  /** What the user should know about this search, a sentence each: what was left out, what the target now shows. */
  readonly notes: readonly string[];
  /** Sockets that carry an answer which nobody has read to its end. */
  readonly unreadAnswers?: readonly UnreadAnswer[];
}

/** An answer that a socket of a client carries. */
export interface UnreadAnswer {
  readonly fd: number;
  readonly client: HttpClient;
}

/** Finds lines of code of a process; a refusal is an observation with its reason and remedy, never an exception. */
export type Locator = (target: LocateTarget) => Promise<Observation<Located>>;
