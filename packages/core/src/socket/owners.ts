/** Every descriptor that refers to a socket: one row a (process, descriptor) pair, one typed array a field. */
export interface OwnerTable {
  readonly count: number;
  readonly pid: Uint32Array;
  readonly fd: Uint32Array;
  /** The socket's inode, as in `SocketTable.inode`; unique among all sockets of the host at one time. */
  readonly inode: Uint32Array;
  /**
   * What the kernel says of the TCP socket itself: kernel state | remote port << 16 (0: never connected).
   * Null where the descriptors were read as links, which do not tell; then there are rows of other kinds of sockets, too.
   */
  readonly tcp: Uint32Array | null;
  /** Text of /proc/PID/comm without control characters; absent for a process that ended meanwhile. */
  readonly commands: ReadonlyMap<number, string>;
  /** How the descriptors were read. */
  readonly method: 'bpf' | 'readlink';
  /** Why it was not BPF, which is ten times as fast; null when it was. */
  readonly methodReason: string | null;
  /** Processes whose descriptors could not be read, and why: their sockets have an unknown owner. */
  readonly unreadable: readonly UnreadableProcesses[];
}

export interface UnreadableProcesses {
  /** Null where the kernel hides even how many there are. */
  readonly count: number | null;
  readonly reason: string;
  readonly remedy: string;
}
