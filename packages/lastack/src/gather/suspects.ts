import {
  KERNEL_STATE,
  NO_OWNER,
  indexOwners,
  kernelStateOf,
  timerOf,
  type OwnerTable,
  type SocketTable,
} from '@lastack/core';

/**
 * The processes that hold sockets, the most suspicious first: only so many can be sampled. A socket that does not close
 * weighs more than any number of ordinary ones.
 */
export function rankHolders(table: SocketTable, owners: OwnerTable): number[] {
  const index = indexOwners(owners);
  const weights = new Map<number, number>();
  for (let at = 0; at < owners.count; at++) weights.set(owners.pid[at], 0);
  for (let row = 0; row < table.count; row++) {
    const inode = table.inode[row];
    if (inode === 0) continue;
    const first = index.firstOwner(inode);
    if (first === NO_OWNER) continue;
    const isShared = index.nextOwner(first) !== NO_OWNER;
    const weight = isShared || isSuspicious(table, row) ? 1_000_000 : 1;
    for (let at = first; at !== NO_OWNER; at = index.nextOwner(at)) {
      const pid = owners.pid[at];
      weights.set(pid, (weights.get(pid) ?? 0) + weight);
    }
  }
  return [...weights].toSorted((a, b) => b[1] - a[1]).map(([pid]) => pid);
}

/** Those that hold a socket of which the rules ask whether it is watched, with all the sockets that they hold. */
export function holdersOfUnserved(
  table: SocketTable,
  owners: OwnerTable,
): ReadonlyMap<number, ReadonlyMap<number, number>> {
  const index = indexOwners(owners);
  const inodeByFd = new Map<number, Map<number, number>>();
  for (let row = 0; row < table.count; row++) {
    if (!isUnserved(table, row) || table.inode[row] === 0) continue;
    for (const at of index.ownersOf(table.inode[row])) inodeByFd.set(owners.pid[at], new Map());
  }
  if (inodeByFd.size === 0) return inodeByFd;
  for (let at = 0; at < owners.count; at++) {
    inodeByFd.get(owners.pid[at])?.set(owners.fd[at], owners.inode[at]);
  }
  return inodeByFd;
}

/** Something waits there for the program: the end of the stream, or a connection. */
function isUnserved(table: SocketTable, row: number): boolean {
  switch (kernelStateOf(table, row)) {
    case KERNEL_STATE['CLOSE-WAIT']:
    case KERNEL_STATE['FIN-WAIT-2']:
      return true;
    case KERNEL_STATE.LISTEN:
      return table.recvQ[row] > 0;
    default:
      return false;
  }
}

function isSuspicious(table: SocketTable, row: number): boolean {
  switch (kernelStateOf(table, row)) {
    case KERNEL_STATE['SYN-SENT']:
      return true;
    case KERNEL_STATE.ESTABLISHED:
      return timerOf(table, row) === 'probe';
    default:
      return isUnserved(table, row);
  }
}
