import { seen, type Observation, type OwnerTable } from '@lastack/core';
import { readNetns } from '../kernel/procfs/process-facts.ts';
import type { SocketsRead } from './sockets.ts';

/**
 * The descriptors of a host are read in one go, whatever namespace they belong to. Those that concern the sockets that were
 * read are kept: they refer to one of them, or their process is in a namespace that was read, or in one that is not known.
 */
export function ownersConcerned(
  owners: Observation<OwnerTable>,
  { table, netns }: SocketsRead,
): Observation<OwnerTable> {
  if (owners.kind === 'unavailable') return owners;
  const { count, pid, fd, inode, tcp } = owners.value;
  const read = new Set(netns.map(({ inode }) => inode));
  const elsewhere = new Map<number, boolean>();
  for (const each of new Set(pid)) {
    const own = readNetns(`/proc/${each}/ns/net`);
    elsewhere.set(each, own !== null && !read.has(own));
  }
  if (![...elsewhere.values()].includes(true)) return owners;
  const inodes = new Set(table.inode.subarray(0, table.count));
  const kept = Uint32Array.from({ length: count }, (_, at) => at).filter(
    (at) => elsewhere.get(pid[at]) === false || inodes.has(inode[at]),
  );
  const pick = (column: Uint32Array) => Uint32Array.from(kept, (at) => column[at]);
  return seen({
    ...owners.value,
    count: kept.length,
    pid: pick(pid),
    fd: pick(fd),
    inode: pick(inode),
    tcp: tcp === null ? null : pick(tcp),
  });
}
