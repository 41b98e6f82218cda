import type { FixStep } from './finding.ts';

/**
 * What a line of code has to do with a socket. `created`: it was made there. `handled`: a listener there would handle its
 * events. `held`: the variable or container that keeps it is there. `executing`: a thread that should serve it is there now.
 */
export type LocationRole = 'created' | 'handled' | 'held' | 'executing';

/** A line of a program's source, and how it was found. Names and types only: values are never read. */
export interface Location {
  readonly role: LocationRole;
  /** As the program knows it: an absolute path, or a URL. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly function: string;
  /** What holds the socket there: `pool.idle[17]`, `local variable conn`; absent where that is not known. */
  readonly name?: string;
  /** Which evidence gave it: `stack of thread 4121, read from /proc/4121/mem`. */
  readonly evidence: string;
}

/** Where the sockets of a finding come from and are held, as far as it was found. */
export interface Whereabouts {
  readonly locations: readonly Location[];
  /** What is to be known about the search, and how to get further, a sentence each. */
  readonly notes: readonly string[];
  /** What to do in particular about what was found, before the steps of the finding's fix. */
  readonly steps?: readonly FixStep[];
}
