/** Rows of an owner table while it is read: (process, descriptor, inode), and what the kernel says of the socket. */
export interface OwnerColumns {
  count: number;
  pid: Uint32Array<ArrayBuffer>;
  fd: Uint32Array<ArrayBuffer>;
  inode: Uint32Array<ArrayBuffer>;
  /** Kernel state | remote port << 16; null where it is not known. */
  tcp: Uint32Array<ArrayBuffer> | null;
}

export function noOwners(tcp: 'with tcp' | 'without tcp'): OwnerColumns {
  return {
    count: 0,
    pid: new Uint32Array(),
    fd: new Uint32Array(),
    inode: new Uint32Array(),
    tcp: tcp === 'with tcp' ? new Uint32Array() : null,
  };
}

export function addOwner(owners: OwnerColumns, pid: number, fd: number, inode: number): void {
  const row = owners.count++;
  if (row >= owners.inode.length) reserve(owners, Math.max(1024, 2 * row));
  owners.pid[row] = pid;
  owners.fd[row] = fd;
  owners.inode[row] = inode;
}

/** Adds rows of four words: pid, fd, inode, tcp. */
export function addOwnerRows(owners: OwnerColumns, words: Uint32Array): void {
  const first = owners.count;
  const count = first + words.length / 4;
  if (count > owners.inode.length) reserve(owners, count);
  const { pid, fd, inode, tcp } = owners;
  for (let row = first, at = 0; row < count; row++, at += 4) {
    pid[row] = words[at];
    fd[row] = words[at + 1];
    inode[row] = words[at + 2];
    if (tcp !== null) tcp[row] = words[at + 3];
  }
  owners.count = count;
}

/** Only the rows of the processes in the set. */
export function ownersOfPids(owners: OwnerColumns, pids: ReadonlySet<number>): OwnerColumns {
  const { pid, tcp } = owners;
  const rows = Uint32Array.from(pid.subarray(0, owners.count).keys()).filter((row) =>
    pids.has(pid[row]),
  );
  const pick = (column: Uint32Array): Uint32Array<ArrayBuffer> => rows.map((row) => column[row]);
  return {
    count: rows.length,
    pid: pick(pid),
    fd: pick(owners.fd),
    inode: pick(owners.inode),
    tcp: tcp === null ? null : pick(tcp),
  };
}

/** The rows of several tables that do not know of tcp. */
export function joinOwners(tables: readonly OwnerColumns[]): OwnerColumns {
  const count = tables.reduce((sum, table) => sum + table.count, 0);
  const joined = noOwners('without tcp');
  reserve(joined, count);
  for (const table of tables) {
    joined.pid.set(table.pid.subarray(0, table.count), joined.count);
    joined.fd.set(table.fd.subarray(0, table.count), joined.count);
    joined.inode.set(table.inode.subarray(0, table.count), joined.count);
    joined.count += table.count;
  }
  return joined;
}

function reserve(owners: OwnerColumns, rows: number): void {
  owners.pid = grown(owners.pid, rows);
  owners.fd = grown(owners.fd, rows);
  owners.inode = grown(owners.inode, rows);
  if (owners.tcp !== null) owners.tcp = grown(owners.tcp, rows);
}

function grown(column: Uint32Array<ArrayBuffer>, rows: number): Uint32Array<ArrayBuffer> {
  const longer = new Uint32Array(rows);
  longer.set(column);
  return longer;
}
