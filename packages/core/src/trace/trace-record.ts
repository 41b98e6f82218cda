import type { Circumstances } from './cause.ts';

/** A program, as the kernel names it. */
export interface TracedProcess {
  readonly pid: number;
  readonly command: string;
}

/** What a source of the kernel's tells, one record at a time. The object is the same each time: copy what you keep. */
export interface TraceRecord extends Circumstances {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** The socket's cookie, or another number that is its own while it lives, or 0 for none. */
  readonly socket: number;
  readonly netns: number | null;
  /** Kernel state numbers, include/net/tcp_states.h; `from` is 0 where the source does not say. */
  readonly from: number;
  readonly to: number;
  /** AF_INET or AF_INET6. */
  readonly family: number;
  readonly localPort: number;
  readonly remotePort: number;
  /** Eight words from `at`, in network byte order: the local address, then the remote one; IPv4 uses the first of four. */
  readonly addresses: Uint32Array;
  readonly at: number;
  /** Who was running: the maker of the change only where a system call makes it. Null where not known, and in idle. */
  readonly running: TracedProcess | null;
  /** The peer's FIN has been taken, or null where the source does not say. */
  readonly finReceived: boolean | null;
  /** `bytes_acked` and `bytes_received` of tcp_info, or null. */
  readonly acked: number | null;
  readonly received: number | null;
}
