/** What a source of the kernel's tells, one record at a time. The object is the same each time: copy what you keep. */
export interface TraceRecord {
  /** Milliseconds since the epoch. */
  atMs: number;
  /** The socket's cookie, or another number that is its own while it lives, or 0 for none. */
  socket: number;
  netns: number | null;
  /** Kernel state numbers, include/net/tcp_states.h. */
  from: number;
  to: number;
  /** AF_INET or AF_INET6. */
  family: number;
  localPort: number;
  remotePort: number;
  /** Eight words from `at`, in network byte order: the local address, then the remote one; IPv4 uses the first of four. */
  addresses: Uint32Array;
  at: number;
  /** `sk_err`, an errno, or null where the source does not say. */
  error: number | null;
  /** Who was running. It is the maker of the change only where a system call makes it. */
  pid: number | null;
  command: string | null;
  /** The peer's FIN has been taken, or null where the source does not say. */
  finReceived: boolean | null;
  /** No program holds the socket any more, or null. */
  orphaned: boolean | null;
  /** `bytes_acked` and `bytes_received` of tcp_info, or null. */
  acked: number | null;
  received: number | null;
}
