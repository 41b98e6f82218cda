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
  const pids = new Set<number>();
  for (const at of rows) pids.add(pid[at]);
  const pick = (column: Uint32Array) => rows.map((at) => column[at]);
  return seen({
    ...owners.value,
    count: rows.length,
    pid: pick(pid),
    fd: pick(fd),
    inode: pick(inode),
    tcp: tcp === null ? null : pick(tcp),
    commands: new Map([...commands].filter(([each]) => pids.has(each))),
  });
}

function concernedRows(
  { count, pid, inode }: OwnerTable,
  elsewhere: ReadonlySet<number>,
  table: SocketTable,
): Uint32Array {
  const heldElsewhere = new Set<number>();
  for (let at = 0; at < count; at++) if (elsewhere.has(pid[at])) heldElsewhere.add(inode[at]);
  const shared = new Set(
    table.inode.subarray(0, table.count).filter((each) => heldElsewhere.has(each)),
  );
  const rows = new Uint32Array(count);
  let kept = 0;
  for (let at = 0; at < count; at++) {
    if (!elsewhere.has(pid[at]) || shared.has(inode[at])) rows[kept++] = at;
  }
  return rows.subarray(0, kept);
}
