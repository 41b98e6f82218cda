import {
  diagnose,
  localPortOf,
  ROW_COLUMNS,
  seen,
  stateOf,
  type Diagnosis,
  type Evidence,
  type OwnerTable,
  type SocketTable,
  type TcpInfoColumns,
} from '@lastack/core';

/**
 * What the rules say of one process. Whether something is wrong with it may depend on its neighbours (who listens, who else
 * uses up the ports); what could not be seen of them is no concern of it.
 */
export function diagnoseProcess(evidence: Evidence, pid: number): Diagnosis {
  const { findings } = diagnose(evidence);
  return {
    findings: findings.filter(({ owners }) => owners.some((owner) => owner.pid === pid)),
    unknown: diagnose(focusOn(evidence, pid)).unknown,
  };
}

/**
 * The part of the evidence that concerns a process: its sockets, whoever else holds them, and what no descriptor refers to at
 * the ports that it listens on (connections that wait for accept, orphans, TIME-WAIT). All of it where the process may have
 * sockets that could not be seen.
 */
export function focusOn(evidence: Evidence, pid: number): Evidence {
  if (evidence.owners.kind === 'unavailable') return evidence;
  const owners = evidence.owners.value;
  const firstOwners = evidence.firstOwners ?? null;
  if (!owners.pid.includes(pid) && owners.unreadable.length > 0) return evidence;
  const inodes = new Set([...inodesOf(owners, pid), ...inodesOf(firstOwners, pid)]);
  const own = holdersOf(owners, inodes);
  const pids = new Set([pid, ...own.pid]);
  const { sockets, processes } = evidence;
  return {
    ...evidence,
    owners: seen({ ...own, unreadable: [] }),
    firstOwners: firstOwners === null ? null : holdersOf(firstOwners, inodes),
    sockets:
      sockets.kind === 'unavailable'
        ? sockets
        : seen({
            ...sockets.value,
            first: sockets.value.first && concerned(sockets.value.first, inodes),
            last: concerned(sockets.value.last, inodes),
          }),
    processes:
      processes.kind === 'unavailable'
        ? processes
        : seen(new Map([...processes.value].filter(([each]) => pids.has(each)))),
  };
}

function inodesOf(owners: OwnerTable | null, pid: number): readonly number[] {
  const inodes: number[] = [];
  if (owners === null) return inodes;
  for (let row = 0; row < owners.count; row++) {
    if (owners.pid[row] === pid) inodes.push(owners.inode[row]);
  }
  return inodes;
}

function holdersOf(owners: OwnerTable, inodes: ReadonlySet<number>): OwnerTable {
  const rows = rowsWhere(owners.count, (row) => inodes.has(owners.inode[row]));
  const pick = (column: Uint32Array) => rows.map((row) => column[row]);
  const { pid, fd, inode, tcp } = owners;
  return {
    ...owners,
    count: rows.length,
    pid: pick(pid),
    fd: pick(fd),
    inode: pick(inode),
    tcp: tcp === null ? null : pick(tcp),
  };
}

function concerned(table: SocketTable, inodes: ReadonlySet<number>): SocketTable {
  const portOf = (row: number) => table.netns[row] * 65_536 + localPortOf(table, row);
  const listens = (row: number) => stateOf(table, row) === 'LISTEN' && inodes.has(table.inode[row]);
  const ports = new Set(Array.from(rowsWhere(table.count, listens), portOf));
  const rows = rowsWhere(table.count, (row) =>
    table.inode[row] === 0 ? ports.has(portOf(row)) : inodes.has(table.inode[row]),
  );
  const pick = (column: Uint32Array | Uint8Array) => rows.map((row) => column[row]);
  const columns = ROW_COLUMNS.map((name) => [name, pick(table[name])]);
  const { info } = table;
  return {
    ...table,
    ...(Object.fromEntries(columns) as Pick<SocketTable, (typeof ROW_COLUMNS)[number]>),
    count: rows.length,
    info: info === null ? null : pickInfo(info, pick),
  };
}

function pickInfo(
  { known, lastDataSent, lastDataRecv, lastAckRecv, dataSegsIn }: TcpInfoColumns,
  pick: (column: Uint32Array | Uint8Array) => Uint32Array,
): TcpInfoColumns {
  return {
    known: Uint8Array.from(pick(known)),
    lastDataSent: pick(lastDataSent),
    lastDataRecv: pick(lastDataRecv),
    lastAckRecv: pick(lastAckRecv),
    dataSegsIn: pick(dataSegsIn),
  };
}

function rowsWhere(count: number, isWanted: (row: number) => boolean): Uint32Array {
  const rows = new Uint32Array(count);
  let kept = 0;
  for (let row = 0; row < count; row++) if (isWanted(row)) rows[kept++] = row;
  return rows.subarray(0, kept);
}
