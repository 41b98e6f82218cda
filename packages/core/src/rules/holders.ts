import type { ProcessFacts } from '../evidence/process-facts.ts';
import type { FindingOwner } from '../finding/finding.ts';
import { NO_OWNER, type OwnerIndex } from '../socket/owner-index.ts';
import { localPortOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { incomingAmong } from './listeners.ts';
import { remoteOf } from './peers.ts';

/** Sockets that the same processes hold. */
export interface HolderGroup {
  /** Every process that holds them; empty when no holder was seen. */
  readonly owners: readonly FindingOwner[];
  readonly rows: readonly number[];
}

/**
 * Groups rows by who holds them: all holders, so that sockets shared by a parent and its child form a group of their own.
 * Sole holders that are children of one process and run the same command (the workers of a server) form one group. Rows
 * without a visible holder are grouped by user and by service: the local port of a server, the peer of a client.
 */
export function groupByHolders(
  candidates: Iterable<number>,
  table: SocketTable,
  owners: OwnerIndex | null,
  processes: ReadonlyMap<number, ProcessFacts> | null,
): HolderGroup[] {
  const rows = [...candidates];
  const groups = new Map<string, { fds: Map<number, number[]>; rows: number[] }>();
  let isIncoming: ((row: number) => boolean) | null = null;
  for (const row of rows) {
    const holders: [pid: number, fd: number][] = [];
    const inode = table.inode[row];
    if (owners !== null && inode !== 0) {
      for (let at = owners.firstOwner(inode); at !== NO_OWNER; at = owners.nextOwner(at)) {
        holders.push([owners.table.pid[at], owners.table.fd[at]]);
      }
    }
    const pids = new Set(holders.map(([pid]) => pid));
    const key =
      pids.size === 0
        ? `uid ${table.uid[row]} netns ${table.netns[row]} ${serviceOf(row, table, (isIncoming ??= incomingAmong(rows, table)))}`
        : keyOfHolders(pids, processes);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { fds: new Map(), rows: [] }));
    group.rows.push(row);
    for (const [pid, fd] of holders) {
      const fds = group.fds.get(pid);
      if (fds === undefined) group.fds.set(pid, [fd]);
      else fds.push(fd);
    }
  }
  return [...groups.values()].map(({ fds, rows }) => ({
    rows,
    owners: [...fds].map(([pid, fds]) => ownerOf(pid, fds, owners, processes)),
  }));
}

function keyOfHolders(
  pids: ReadonlySet<number>,
  processes: ReadonlyMap<number, ProcessFacts> | null,
): string {
  const [pid] = pids;
  const facts = pids.size === 1 ? processes?.get(pid) : undefined;
  // Init is the parent of everything that has lost its own.
  return facts === undefined || facts.parentPid <= 1
    ? [...pids].toSorted((a, b) => a - b).join()
    : `child of ${facts.parentPid}: ${facts.command}`;
}

/** Every process that holds one of the rows, the one with the most descriptors first. */
export function holdersOf(
  rows: Iterable<number>,
  table: SocketTable,
  owners: OwnerIndex | null,
  processes: ReadonlyMap<number, ProcessFacts> | null,
): readonly FindingOwner[] {
  const fdsByPid = new Map<number, number[]>();
  for (const row of rows) {
    const inode = table.inode[row];
    if (owners === null || inode === 0) continue;
    for (let at = owners.firstOwner(inode); at !== NO_OWNER; at = owners.nextOwner(at)) {
      const fds = fdsByPid.get(owners.table.pid[at]);
      if (fds === undefined) fdsByPid.set(owners.table.pid[at], [owners.table.fd[at]]);
      else fds.push(owners.table.fd[at]);
    }
  }
  return [...fdsByPid]
    .map(([pid, fds]) => ownerOf(pid, fds, owners, processes))
    .toSorted((a, b) => b.fds.length - a.fds.length || a.pid - b.pid);
}

/** The descriptors of one process that refer to rows of the table, and the rows, pairwise. */
export interface Holding {
  readonly fds: readonly number[];
  readonly rows: readonly number[];
}

/** What each of these processes holds; one that holds no row of the table is missing. */
export function holdingsOf(
  pids: ReadonlySet<number>,
  table: SocketTable,
  owners: OwnerIndex,
): ReadonlyMap<number, Holding> {
  const holdings = new Map<number, { fds: number[]; rows: number[] }>();
  if (pids.size === 0) return holdings;
  for (let row = 0; row < table.count; row++) {
    const inode = table.inode[row];
    if (inode === 0) continue;
    for (let at = owners.firstOwner(inode); at !== NO_OWNER; at = owners.nextOwner(at)) {
      const pid = owners.table.pid[at];
      if (!pids.has(pid)) continue;
      let holding = holdings.get(pid);
      if (holding === undefined) holdings.set(pid, (holding = { fds: [], rows: [] }));
      holding.fds.push(owners.table.fd[at]);
      holding.rows.push(row);
    }
  }
  return holdings;
}

/** What is known of a holder. */
export function ownerOf(
  pid: number,
  fds: readonly number[],
  owners: OwnerIndex | null,
  processes: ReadonlyMap<number, ProcessFacts> | null,
): FindingOwner {
  const facts = processes?.get(pid);
  return {
    pid,
    command: facts?.command ?? owners?.table.commands.get(pid) ?? '?',
    container: facts?.container ?? null,
    runtime: facts?.runtime ?? 'other',
    fds,
  };
}

const NAMED_PIDS = 3;

/** `api (pid 4121)`, `worker (pids 4130, 4131 and 6 more) and api (pid 4121)`, or what is known of an unseen holder. */
export function describeHolders(group: HolderGroup, table: SocketTable): string {
  const { owners, rows } = group;
  if (owners.length === 0) {
    const service = serviceOf(rows[0], table, incomingAmong(rows, table));
    return `an unknown program of user ${table.uid[rows[0]]} ${service}`;
  }
  return describeOwners(owners);
}

/** `on local port 80`, `connected to 10.0.0.5:5432`. */
function serviceOf(row: number, table: SocketTable, isIncoming: (row: number) => boolean): string {
  return isIncoming(row)
    ? `on local port ${localPortOf(table, row)}`
    : `connected to ${remoteOf(table, row)}`;
}

/** `api (pid 4121)`, `worker (pids 4130, 4131 and 6 more) and api (pid 4121)`. */
export function describeOwners(owners: readonly FindingOwner[]): string {
  const pidsByName = new Map<string, string[]>();
  for (const { command, container, pid } of owners) {
    const name = JSON.stringify([command, container]);
    pidsByName.set(name, [...(pidsByName.get(name) ?? []), String(pid)]);
  }
  const named = [...pidsByName].map(([name, pids]) => {
    const [command, container] = JSON.parse(name) as [string, string | null];
    const shown = listed(pids, NAMED_PIDS);
    const where = container === null ? '' : `, ${container}`;
    return `${command} (${pids.length === 1 ? 'pid' : 'pids'} ${shown}${where})`;
  });
  return listed(named, NAMED_PIDS);
}

/** `a`, `a and b`, `a, b and 5 more`. */
function listed(names: readonly string[], most: number): string {
  const shown =
    names.length > most ? [...names.slice(0, most), `${names.length - most} more`] : names;
  return shown.length === 1 ? shown[0] : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
