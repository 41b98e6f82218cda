import type { TraceRecord } from '@lastack/core';

export type TraceMethod = 'BPF' | 'tracefs' | 'destroy multicast';

/** Where state changes come from. Disposed, it leaves nothing behind in the kernel. */
export interface TraceSource extends Disposable {
  readonly method: TraceMethod;
  /** What this source cannot tell; null when nothing is missing. */
  readonly limits: string | null;
  /**
   * Hands on what has come since the last call.
   *
   * @returns how much that was
   */
  poll(record: (record: TraceRecord) => void): number;
  /** Whether records carry the network namespace. */
  readonly knowsNetns: boolean;
  /** Whether a record's `socket` is the cookie, which other tools know too. */
  readonly hasCookies: boolean;
  /** How many records were lost so far. */
  lost(): number;
}
