/** Rows of an owner table while it is read: (process, descriptor, inode), and what the kernel says of the socket. */
export interface OwnerColumns {
  readonly count: number;
  readonly pid: Uint32Array;
  readonly fd: Uint32Array;
  readonly inode: Uint32Array;
  /** Kernel state | remote port << 16; null where it is not known. */
  readonly tcp: Uint32Array | null;
}

export function noOwners(withTcp: boolean): OwnerColumns {
  return {
    count: 0,
    pid: new Uint32Array(),
    fd: new Uint32Array(),
    inode: new Uint32Array(),
    tcp: withTcp ? new Uint32Array() : null,
  };
}

/** Adds rows of four words, as the iterator program writes them. */
export function appendRows(owners: OwnerColumns, words: Uint32Array): OwnerColumns {
  const first = owners.count;
  const count = first + words.length / 4;
  const pid = grow(owners.pid, count);
  const fd = grow(owners.fd, count);
  const inode = grow(owners.inode, count);
  const tcp = grow(owners.tcp ?? new Uint32Array(), count);
  for (let row = first, at = 0; row < count; row++, at += 4) {
    pid[row] = words[at];
    fd[row] = words[at + 1];
    inode[row] = words[at + 2];
    tcp[row] = words[at + 3];
  }
  return { count, pid, fd, inode, tcp };
}

function grow(column: Uint32Array, count: number): Uint32Array {
  const grown = new Uint32Array(count);
  grown.set(column);
  return grown;
}
