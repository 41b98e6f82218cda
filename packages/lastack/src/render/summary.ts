import {
  NO_OWNER,
  TCP_STATES,
  kernelStateOf,
  stateOfKernel,
  type OwnerIndex,
  type SocketTable,
  type TcpState,
} from '@lastack/core';

const SHOWN_PROCESSES = 10;

export interface Summary {
  readonly total: number;
  /** Every state, absent ones as 0. */
  readonly states: Readonly<Record<TcpState, number>>;
  /** The processes with the most sockets first; null when owners were not looked up. */
  readonly processes: readonly ProcessCount[] | null;
}

interface ProcessCount {
  readonly pid: number;
  readonly command: string;
  readonly sockets: number;
  readonly closeWait: number;
}

export function summarize(
  table: SocketTable,
  rows: Uint32Array,
  owners: OwnerIndex | null,
): Summary {
  const states = Object.fromEntries(TCP_STATES.map((state) => [state, 0])) as Record<
    TcpState,
    number
  >;
  const byPid = new Map<number, { sockets: number; closeWait: number }>();
  for (const row of rows) {
    const state = stateOfKernel(kernelStateOf(table, row));
    states[state]++;
    const inode = table.inode[row];
    if (owners === null || inode === 0) continue;
    let owner = owners.firstOwner(inode);
    for (; owner !== NO_OWNER; owner = owners.nextOwner(owner)) {
      const pid = owners.table.pid[owner];
      let counts = byPid.get(pid);
      if (counts === undefined) byPid.set(pid, (counts = { sockets: 0, closeWait: 0 }));
      counts.sockets++;
      if (state === 'CLOSE-WAIT') counts.closeWait++;
    }
  }
  const processes =
    owners === null
      ? null
      : [...byPid]
          .map(([pid, counts]) => ({
            pid,
            command: owners.table.commands.get(pid) ?? '?',
            ...counts,
          }))
          .toSorted((a, b) => b.sockets - a.sockets || a.pid - b.pid);
  return { total: rows.length, states, processes };
}

export function summaryLines({ total, states, processes }: Summary): string[] {
  const lines = [`${total} TCP sockets`, ''];
  for (const [state, count] of Object.entries(states)) {
    lines.push(`${state.padEnd(13)}${String(count).padStart(9)}`);
  }
  if (processes === null || processes.length === 0) return lines;
  lines.push('', 'Sockets   CLOSE-WAIT  Process');
  for (const { sockets, closeWait, command, pid } of processes.slice(0, SHOWN_PROCESSES)) {
    lines.push(
      `${String(sockets).padEnd(10)}${String(closeWait).padEnd(12)}${command} (pid ${pid})`,
    );
  }
  if (processes.length > SHOWN_PROCESSES) {
    lines.push(`… and ${processes.length - SHOWN_PROCESSES} more processes`);
  }
  return lines;
}
