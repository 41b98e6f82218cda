/** Every descriptor that refers to a socket: one row a (process, descriptor) pair, one typed array a field. */
export interface OwnerTable {
  readonly count: number;
  readonly pid: Uint32Array;
  readonly fd: Uint32Array;
  /** The socket's inode, as in `SocketTable.inode`. */
  readonly inode: Uint32Array;
  /**
   * What the kernel says of the TCP socket itself: kernel state | remote port << 16 (0: never connected).
   * Null where the descriptors were read as links, which do not tell.
   */
  readonly tcp: Uint32Array | null;
  readonly commands: ReadonlyMap<number, string>;
  /** How the descriptors were read. */
  readonly method: 'bpf' | 'readlink';
  /** Processes whose descriptors could not be read, and why: their sockets have an unknown owner. */
  readonly unreadable: readonly UnreadableProcesses[];
}

export interface UnreadableProcesses {
  readonly count: number;
  readonly reason: string;
  readonly remedy: string;
}
