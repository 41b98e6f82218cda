import type { Settings } from '../evidence/evidence.ts';
import type { Finding, Fix } from '../finding/finding.ts';
import { formatAddress } from '../socket/address.ts';
import type { Age } from '../socket/age.ts';
import {
  kernelStateOf,
  localPortOf,
  remoteBytesOf,
  retransmitsOf,
  timerOf,
} from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { KERNEL_STATE } from '../tcp/state.ts';
import { elapsed } from './elapsed.ts';
import { describeHolders, groupByHolders, holdersOf, type HolderGroup } from './holders.ts';
import { listenersOf } from './listeners.ts';
import { countPeers } from './peers.ts';
import { givingUpClause, heldGivesUp, leastElapsedMs, orphanGivesUp } from './retransmission.ts';
import { countStates, oldestOf } from './rows.ts';
import { defineRule } from './rule.ts';
import { severityByCount } from './severity.ts';
import { counted, grouped } from './wording.ts';

/** A FIN that was sent four times in vain: 1.4 s at least. */
const CLOSING_RETRANSMITS = 3;
/** Data that was sent six times in vain: 6 s at least, which no ordinary loss explains. */
const OPEN_RETRANSMITS = 5;
/** Clients that vanish are daily bread (mobile phones, laptops): only a pile of them is a fault, and a part of this size. */
const PILE = 5;
const SHARE = 0.1;

/** Connections whose peers have gone without a FIN: what we sent is repeated and nobody acknowledges it. */
export const peerVanished = defineRule({
  id: 'peer-vanished',
  needs: ['sockets', 'owners'],
  uses: ['processes', 'settings'],
  find({ sockets, owners, processes, settings }) {
    const table = sockets.last;
    const { closing, open } = unansweredRows(table);
    const findings: Finding[] = [];
    const piled = piledRows(closing, table);
    if (piled.length > 0) {
      findings.push({
        ...closingFinding(piled, table, settings),
        owners: holdersOf(piled, table, owners, processes),
      });
    }
    const listeners = listenersOf(table);
    // Our own connection to a service that is gone matters at once, a client that is gone does not.
    const outgoing = open.filter((row) => !listeners.isServed(row));
    const incoming = piledRows(
      open.filter((row) => listeners.isServed(row)),
      table,
    );
    for (const rows of [outgoing, incoming]) {
      for (const group of groupByHolders(rows, table, owners, processes)) {
        findings.push(openFinding(group, table, settings));
      }
    }
    return findings;
  },
});

function unansweredRows(table: SocketTable): { closing: number[]; open: number[] } {
  const closing: number[] = [];
  const open: number[] = [];
  for (let row = 0; row < table.count; row++) {
    const retransmits = retransmitsOf(table, row);
    if (retransmits < CLOSING_RETRANSMITS) continue;
    const timer = timerOf(table, row);
    switch (kernelStateOf(table, row)) {
      case KERNEL_STATE['FIN-WAIT-1']:
      case KERNEL_STATE['LAST-ACK']:
      case KERNEL_STATE.CLOSING:
        if (timer === 'retransmit' || timer === 'probe') closing.push(row);
        break;
      case KERNEL_STATE.ESTABLISHED:
      case KERNEL_STATE['CLOSE-WAIT']:
        if (timer === 'retransmit' && retransmits >= OPEN_RETRANSMITS) open.push(row);
        break;
      default:
    }
  }
  return { closing, open };
}

/** Those that are a pile beside the connections that are well: with one peer, or on one local port. */
function piledRows(rows: readonly number[], table: SocketTable): number[] {
  if (rows.length < PILE) return [];
  const piled = new Set<number>();
  for (const keyOf of [remoteKeyOf, localKeyOf]) {
    const groups = new Map<string | number, number[]>();
    for (const row of rows) {
      const key = keyOf(table, row);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [row]);
      else group.push(row);
    }
    for (const [key, group] of groups) if (group.length < PILE) groups.delete(key);
    const well = countWell(groups, table, keyOf);
    for (const [key, group] of groups) {
      if (group.length < SHARE * (well.get(key) ?? 0)) continue;
      for (const row of group) piled.add(row);
    }
  }
  return [...piled].toSorted((a, b) => a - b);
}

function countWell(
  groups: ReadonlyMap<string | number, unknown>,
  table: SocketTable,
  keyOf: (table: SocketTable, row: number) => string | number,
): ReadonlyMap<string | number, number> {
  const counts = new Map<string | number, number>();
  if (groups.size === 0) return counts;
  for (let row = 0; row < table.count; row++) {
    if (kernelStateOf(table, row) !== KERNEL_STATE.ESTABLISHED || table.inode[row] === 0) continue;
    const key = keyOf(table, row);
    if (groups.has(key)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function remoteKeyOf(table: SocketTable, row: number): string {
  return `${table.netns[row]} ${formatAddress(remoteBytesOf(table, row))}`;
}

function localKeyOf(table: SocketTable, row: number): number {
  return table.netns[row] * 65_536 + localPortOf(table, row);
}

function closingFinding(
  rows: readonly number[],
  table: SocketTable,
  settings: Settings | null,
): Omit<Finding, 'owners'> {
  const peers = countPeers(rows, table);
  const areOrphans = rows.every((row) => table.inode[row] === 0);
  return {
    rule: 'peer-vanished',
    severity: 'warning',
    title: `${counted(rows.length, 'closed connection')} wait for ${peersClause(peers.length)} gone without a word`,
    why: `${statesClause(rows, table)}: our FIN${mostClause(rows, table)} is not acknowledged (a host or a link is down, a firewall or NAT forgot the connection); ${areOrphans ? 'no program holds them any more; ' : ''}the kernel gives each up after ${givingUpClause(areOrphans ? orphanGivesUp(settings) : heldGivesUp(settings))}`,
    cause: null,
    sockets: rows.length,
    oldest: oldestOf(rows.map((row) => ageByRetransmits(table, row))),
    peers,
    growth: null,
    forecast: null,
    fix: CLOSING_FIX,
    rows,
  };
}

function openFinding(group: HolderGroup, table: SocketTable, settings: Settings | null): Finding {
  const { rows } = group;
  const peers = countPeers(rows, table);
  const where = peers.length === 1 ? peers[0].peer : `${peers.length} peers`;
  return {
    rule: 'peer-vanished',
    severity: severityByCount(rows.length),
    title: `${describeHolders(group, table)} still sends to ${where}, which no longer answer${peers.length === 1 ? 's' : ''} (${counted(rows.length, 'connection')})`,
    why: `what it sent${mostClause(rows, table)} is not acknowledged${silenceClause(rows, table)}: the peer is gone without a FIN or RST (host or link down, a firewall or NAT that forgot the connection); the kernel gives up after ${givingUpClause(heldGivesUp(settings))}, and only then the program gets ETIMEDOUT`,
    cause: null,
    sockets: rows.length,
    oldest: oldestOf(rows.map((row) => ageByRetransmits(table, row))),
    owners: group.owners,
    peers,
    growth: null,
    forecast: null,
    fix: OPEN_FIX,
    rows,
  };
}

function ageByRetransmits(table: SocketTable, row: number): Age {
  return { minMs: leastElapsedMs(retransmitsOf(table, row)), maxMs: null, exact: false };
}

function peersClause(count: number): string {
  return count === 1 ? 'a peer that has' : `${grouped(count)} peers that have`;
}

/** `12 in FIN-WAIT-1 and 3 in LAST-ACK` */
function statesClause(rows: readonly number[], table: SocketTable): string {
  return countStates(rows, table)
    .map(([state, count]) => `${grouped(count)} in ${state}`)
    .join(' and ');
}

function mostClause(rows: readonly number[], table: SocketTable): string {
  const most = rows.reduce((most, row) => Math.max(most, retransmitsOf(table, row)), 0);
  return `, repeated up to ${most} times,`;
}

/** The shortest time since any of these peers was heard of. */
function silenceClause(rows: readonly number[], { info }: SocketTable): string {
  const heard = rows.flatMap((row) =>
    info !== null && info.known[row] === 1 ? [info.lastAckRecv[row]] : [],
  );
  if (heard.length === 0) return '';
  return `, and nothing was heard for ${elapsed(heard.reduce((a, b) => Math.min(a, b)))}`;
}

const CLOSING_FIX: Fix = {
  summary:
    'nothing is to be closed here: find what cut the peers off; keepalive and time-outs shorter than those of the firewalls on the way let both ends notice',
  steps: [
    {
      language: 'host',
      text: 'ss -tino state fin-wait-1 state last-ack state closing shows the timers; `lastack kill` removes them at once; do not lower tcp_orphan_retries for it',
    },
  ],
  docs: 'docs/peer-vanished.md',
};

export const OPEN_FIX: Fix = {
  summary:
    'set TCP_USER_TIMEOUT, or a time-out on every answer, so that the program learns of it in seconds; keepalive alone does not count while data is unacknowledged',
  steps: [
    {
      language: 'Node',
      text: 'socket.setTimeout(30_000, () => socket.destroy()) on each connection of the pool; TCP_USER_TIMEOUT cannot be set from Node',
    },
    {
      language: 'Python',
      text: 'sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000); sock.settimeout(30)',
    },
    {
      language: 'Go',
      text: 'conn.SetDeadline(time.Now().Add(30 * time.Second)) before each exchange; TCP_USER_TIMEOUT through net.Dialer.Control',
    },
    {
      language: 'Java',
      text: 'socket.setSoTimeout(30_000); Netty epoll: EpollChannelOption.TCP_USER_TIMEOUT; tcp_user_timeout or socketTimeout of the driver',
    },
  ],
  docs: 'docs/peer-vanished.md',
};
