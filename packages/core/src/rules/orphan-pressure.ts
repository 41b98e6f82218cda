import type { CounterSight, Settings } from '../evidence/evidence.ts';
import type { Finding, Fix, Severity } from '../finding/finding.ts';
import { kernelStateOf, timerOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { KERNEL_STATE, maskOfStates } from '../tcp/state.ts';
import { grewBy, withoutGrowth } from './counters.ts';
import { unmeasuredNetns } from './measured-netns.ts';
import { countPeers } from './peers.ts';
import { defineRule } from './rule.ts';
import { columnOf } from './settings.ts';
import { counted, grouped, inSeconds, percentOf } from './wording.ts';

const MANY_ORPHANS = 0.5;
const FULL = 0.9;
const CLOSED_BY_US = maskOfStates(['FIN-WAIT-1', 'FIN-WAIT-2', 'LAST-ACK', 'CLOSING']);

/**
 * The kernel runs out of what it lends to connections that no program holds any more, or of TCP memory altogether: then it
 * resets connections (net/ipv4/tcp.c, tcp_check_oom).
 */
export const orphanPressure = defineRule({
  id: 'orphan-pressure',
  needs: ['counters', 'settings'],
  uses: ['sockets'],
  find({ counters, settings, sockets }, { windowMs }) {
    const aborted = grewBy(counters, 'TcpExtTCPAbortOnMemory');
    const orphans = orphansOf(counters, settings);
    const memory = memoryOf(counters, settings);
    const findings: Finding[] = [];
    if (orphans !== null) {
      findings.push(
        finding(
          orphans,
          aborted,
          windowMs,
          orphanRows(sockets?.last ?? null),
          sockets?.last ?? null,
        ),
      );
    }
    if (memory !== null) findings.push(finding(memory, aborted, windowMs, [], null));
    if (findings.length === 0 && aborted > 0) {
      findings.push(finding(UNSEEN, aborted, windowMs, [], null));
    }
    return findings;
  },
  blindSpots: ({ counters, settings, sockets }) => [
    ...withoutGrowth(counters),
    ...unmeasuredNetns(sockets),
    ...withoutLimits(settings),
  ],
});

/** What is short, and how short. */
interface Shortage {
  readonly severity: Severity;
  readonly title: string;
  readonly why: string;
  readonly fix: Fix;
}

function orphansOf({ last }: CounterSight, settings: Settings): Shortage | null {
  const orphans = last.SockstatTcpOrphan ?? 0;
  const limit = columnOf(settings, 'net.ipv4.tcp_max_orphans', 0);
  if (limit === null || limit === 0 || orphans < limit * MANY_ORPHANS) return null;
  return {
    severity: orphans >= limit * FULL ? 'critical' : 'warning',
    title: `${counted(orphans, 'connection')} that no program holds ${orphans === 1 ? 'waits for its peer' : 'wait for their peers'}, of ${grouped(limit)} allowed (${percentOf(orphans, limit)})`,
    why: 'the programs have closed them, and the peers do not acknowledge or do not close; beyond net.ipv4.tcp_max_orphans each further close resets its connection and loses its unsent data, and for connections that stall the bound is a half or a quarter of it',
    fix: ORPHAN_FIX,
  };
}

/** All in pages; `SockstatTcpMem` is that of the whole host. tcp_mem: at ease below [0], pressure from [1], the end at [2]. */
function memoryOf(counters: CounterSight, settings: Settings): Shortage | null {
  const used = counters.last.SockstatTcpMem ?? 0;
  const pressure = columnOf(settings, 'net.ipv4.tcp_mem', 1);
  const most = columnOf(settings, 'net.ipv4.tcp_mem', 2);
  if (pressure === null || most === null || pressure === 0 || used < pressure) return null;
  return {
    severity: used >= most * FULL ? 'critical' : 'warning',
    title: `TCP uses ${grouped(used)} of ${grouped(most)} pages of memory that it may (${percentOf(used, most)}), and is under pressure from ${grouped(pressure)} on`,
    why: 'under pressure the kernel shrinks windows and drops segments that came out of order; at the end it refuses to queue and resets connections (net.ipv4.tcp_mem)',
    fix: MEMORY_FIX,
  };
}

const UNSEEN_WHY =
  'at this look neither the orphans nor the memory are near their limits, so it was a burst, or a stalled connection was given up under a lower bound';

function finding(
  { severity, title, why, fix }: Shortage,
  aborted: number,
  windowMs: number,
  rows: readonly number[],
  table: SocketTable | null,
): Finding {
  const resets = `${counted(aborted, 'connection was', 'connections were')} given up for want of memory or because of too many orphans in ${inSeconds(windowMs)} (TcpExtTCPAbortOnMemory)`;
  return {
    rule: 'orphan-pressure',
    severity: aborted > 0 ? 'critical' : severity,
    title: title === '' ? resets : title,
    why: title === '' || aborted === 0 ? why : `${resets}; ${why}`,
    cause: null,
    sockets: rows.length,
    oldest: null,
    owners: [],
    peers: table === null ? [] : countPeers(rows, table),
    growth: null,
    forecast: null,
    fix,
    rows,
  };
}

/** Closed by their programs and not at an end yet. A FIN-WAIT-2 that the kernel keeps like a TIME-WAIT is no orphan. */
function orphanRows(table: SocketTable | null): number[] {
  const rows: number[] = [];
  if (table === null) return rows;
  for (let row = 0; row < table.count; row++) {
    const state = kernelStateOf(table, row);
    if (((CLOSED_BY_US >>> state) & 1) === 0 || table.inode[row] !== 0) continue;
    if (state === KERNEL_STATE['FIN-WAIT-2'] && timerOf(table, row) === 'time-wait') continue;
    rows.push(row);
  }
  return rows;
}

function withoutLimits(settings: Settings) {
  const missing = ['net.ipv4.tcp_max_orphans', 'net.ipv4.tcp_mem'].filter(
    (name) => settings.values[name] === undefined,
  );
  return missing.length === 0
    ? []
    : [
        {
          reason: `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not shown in this network namespace`,
          remedy: "run lastack in the host's network namespace",
        },
      ];
}

export const ORPHAN_FIX: Fix = {
  summary:
    'find out why the peers do not answer (peer-vanished names them); shorten how long the kernel tries; raise the limit last',
  steps: [
    {
      language: 'host',
      text: 'sysctl -w net.ipv4.tcp_orphan_retries=3 gives up after some seconds instead of minutes (unset, 0 means 8); sysctl -w net.ipv4.tcp_max_orphans=N (an orphan holds up to 64 KiB of kernel memory)',
    },
    {
      language: 'Node',
      text: 'socket.resetAndDestroy() for clients that have stalled: it leaves no orphan; server.requestTimeout and keepAliveTimeout',
    },
    {
      language: 'Python',
      text: "for clients that have stalled: sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack('ii', 1, 0)) before close; TCP_USER_TIMEOUT for all",
    },
    {
      language: 'Go',
      text: 'for clients that have stalled: conn.(*net.TCPConn).SetLinger(0) before Close; SetWriteDeadline for all',
    },
    {
      language: 'Java',
      text: 'for clients that have stalled: socket.setSoLinger(true, 0) before close',
    },
  ],
  docs: 'docs/orphan-pressure.md',
};

const MEMORY_FIX: Fix = {
  summary:
    'find the sockets with the longest queues; raise net.ipv4.tcp_mem only if they are meant to be',
  steps: [
    {
      language: 'host',
      text: 'lastack ls --sort sendq and --sort recvq (ss -tm); net.ipv4.tcp_rmem and tcp_wmem bound each socket, net.ipv4.tcp_mem (pages) all together',
    },
  ],
  docs: 'docs/orphan-pressure.md',
};

const UNSEEN: Shortage = { severity: 'critical', title: '', why: UNSEEN_WHY, fix: ORPHAN_FIX };
