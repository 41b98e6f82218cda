import { seen, type Observation, type OwnerTable, type SocketTable } from '@lastack/core';
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
  const { pid, fd, inode, tcp, commands } = owners.value;
  const read = new Set(netns.map(({ inode }) => inode));
  const elsewhere = new Set<number>();
  for (const each of commands.keys()) {
    const own = readNetns(`/proc/${each}/ns/net`);
    if (own !== null && !read.has(own)) elsewhere.add(each);
  }
  if (elsewhere.size === 0) return owners;
  const rows = concernedRows(owners.value, elsewhere, table);
  const pick = (column: Uint32Array) => rows.map((at) => column[at]);
  const pids = pick(pid);
  const kept = new Set(pids);
  return seen({
    ...owners.value,
    count: rows.length,
    pid: pids,
    fd: pick(fd),
    inode: pick(inode),
    tcp: tcp === null ? null : pick(tcp),
    commands: new Map([...commands].filter(([each]) => kept.has(each))),
  });
}

function concernedRows(
  { count, pid, inode }: OwnerTable,
  elsewhere: ReadonlySet<number>,
  table: SocketTable,
): Uint32Array {
  // Rows of one process follow each other.
  const isFar = new Uint8Array(count);
  const heldElsewhere = new Set<number>();
  let last = -1;
  for (let at = 0; at < count; at++) {
    isFar[at] = pid[at] === last ? isFar[at - 1] : Number(elsewhere.has((last = pid[at])));
    if (isFar[at] === 1) heldElsewhere.add(inode[at]);
  }
  const shared = new Set(
    table.inode.subarray(0, table.count).filter((each) => heldElsewhere.has(each)),
  );
  const rows = new Uint32Array(count);
  let kept = 0;
  for (let at = 0; at < count; at++) {
    if (isFar[at] === 0 || shared.has(inode[at])) rows[kept++] = at;
  }
  return rows.subarray(0, kept);
}
