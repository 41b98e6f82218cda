import type { SocketSight } from '../evidence/evidence.ts';
import type { ProcessFacts } from '../evidence/process-facts.ts';
import type { Finding, Fix } from '../finding/finding.ts';
import type { OwnerIndex } from '../socket/owner-index.ts';
import type { OwnerTable } from '../socket/owners.ts';
import { kernelStateOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { stateOfKernel } from '../tcp/state.ts';
import { forecastDescriptors, growthByCount } from './growth.ts';
import { ownerOf } from './holders.ts';
import { defineRule, type BlindSpot, type Occasion } from './rule.ts';
import { severityByCount } from './severity.ts';
import { counted, grouped } from './wording.ts';

/** What two looks this far apart saw dead was not just about to be closed. */
const SHORTEST_WATCH_MS = 900;
/** One look cannot tell: so many that have died at the same moment are no coincidence. */
const MANY_AT_ONCE = 10;

/** Rows of the owner table. */
interface Dead {
  /** Dead at the first look already. */
  readonly stayed: number[];
  readonly fresh: number[];
}

/**
 * Descriptors of connections that are gone: reset, timed out or destroyed. The kernel has removed the socket from its
 * tables (tcp_done(), state TCP_CLOSE), so no list of connections shows it; what remains is the descriptor.
 */
export const deadDescriptor = defineRule({
  id: 'dead-descriptor',
  needs: ['sockets', 'owners'],
  uses: ['processes'],
  find({ sockets, owners, processes }, occasion) {
    const dead = deadByPid(owners.table, sockets, occasion);
    const findings: Finding[] = [];
    for (const [pid, { stayed, fresh }] of dead) {
      const at = isWatched(occasion) ? stayed : [...stayed, ...fresh];
      if (at.length < (isWatched(occasion) ? 1 : MANY_AT_ONCE)) continue;
      if (isInSight(pid, owners, sockets, processes) !== 'yes') continue;
      const fds = at.map((row) => owners.table.fd[row]);
      const owner = ownerOf(pid, fds, owners, processes);
      const growth = growthByCount(isWatched(occasion) ? fresh.length : null, occasion.windowMs);
      const one = at.length === 1;
      findings.push({
        rule: 'dead-descriptor',
        severity: severityByCount(at.length),
        title: `${owner.command} (pid ${pid}) keeps ${counted(at.length, 'descriptor')} open whose ${one ? 'connection is' : 'connections are'} gone`,
        why: `the kernel has dropped the ${one ? 'connection' : 'connections'} (a reset, unanswered keepalive probes or retransmissions, or ss -K) and nobody called close: state CLOSED with a remote port, and in no list of connections${portClause(at, owners)}`,
        cause: null,
        sockets: at.length,
        oldest: isWatched(occasion) ? { ms: occasion.windowMs, confidence: '≥' } : null,
        owners: [owner],
        peers: [],
        growth,
        forecast: forecastDescriptors([owner], processes, growth, occasion.at),
        fix: FIX,
        rows: [],
      });
    }
    return findings;
  },
  blindSpots({ sockets, owners, processes }, occasion) {
    const { table } = owners;
    if (table.tcp === null) return [linksOnly(table.methodReason)];
    const spots: BlindSpot[] = [];
    let unsure = 0;
    let elsewhere = 0;
    for (const [pid, { stayed, fresh }] of deadByPid(table, sockets, occasion)) {
      const sight = isInSight(pid, owners, sockets, processes);
      const count = stayed.length + fresh.length;
      if (sight === 'unknown') elsewhere += count;
      else if (sight === 'yes' && !isWatched(occasion) && count < MANY_AT_ONCE) unsure += count;
    }
    if (unsure > 0) {
      spots.push({
        reason: `one look does not tell whether ${counted(unsure, 'descriptor')} of dead connections will be closed`,
        remedy: 'look for longer: --for 2s',
      });
    }
    if (elsewhere > 0) {
      spots.push({
        reason: `${counted(elsewhere, 'descriptor')} of dead connections may be of a network namespace that was not read`,
        remedy: 'look at all of them: --netns all',
      });
    }
    return spots;
  },
});

/** The owners say why BPF was not used, and in parentheses at the end how it can be. */
function linksOnly(methodReason: string | null): BlindSpot {
  const [, why, remedy] =
    / *(.*?)(?: \(((?:[^()]|\([^()]*\))*)\))?$/.exec(methodReason ?? '') ?? [];
  return {
    reason: `descriptors were read as links, which do not tell a closed TCP socket from others${why ? `: ${why}` : ''}`,
    remedy: remedy ?? 'run as root, or with CAP_BPF and CAP_PERFMON',
  };
}

function isWatched({ firstOwners, windowMs }: Occasion): boolean {
  return Boolean(firstOwners?.tcp) && windowMs >= SHORTEST_WATCH_MS;
}

/** The dead descriptors of each process. */
function deadByPid(
  owners: OwnerTable,
  { first, last }: SocketSight,
  { firstOwners }: Occasion,
): ReadonlyMap<number, Dead> {
  const candidates = deadRows(owners);
  const byPid = new Map<number, Dead>();
  if (candidates.length === 0) return byPid;
  const inodes = new Set(candidates.map((at) => owners.inode[at]));
  // The owners and the sockets are not read at the same moment: what one of them saw alive has only just died.
  const alive = aliveInodes(last, inodes);
  const aliveBefore = first === null ? alive : aliveInodes(first, inodes);
  const deadBefore = new Set(
    firstOwners ? deadRows(firstOwners).map((at) => keyOf(firstOwners, at)) : [],
  );
  for (const at of candidates) {
    const inode = owners.inode[at];
    if (alive.has(inode)) continue;
    const pid = owners.pid[at];
    let dead = byPid.get(pid);
    if (dead === undefined) byPid.set(pid, (dead = { stayed: [], fresh: [] }));
    const stayed = deadBefore.has(keyOf(owners, at)) && !aliveBefore.has(inode);
    dead[stayed ? 'stayed' : 'fresh'].push(at);
  }
  return byPid;
}

/** Rows of sockets that are CLOSED and have a remote port: they were connected, or tried to. */
function deadRows({ count, tcp }: OwnerTable): number[] {
  const rows: number[] = [];
  if (tcp === null) return rows;
  for (let at = 0; at < count; at++) {
    if (tcp[at] > 0xffff && stateOfKernel(tcp[at] & 0xffff) === 'CLOSED') rows.push(at);
  }
  return rows;
}

function keyOf({ pid, fd, inode }: OwnerTable, at: number): string {
  return `${pid[at]} ${fd[at]} ${inode[at]}`;
}

/** Which of the inodes belong to a socket that is not closed; one that was bound is listed even when it is. */
function aliveInodes(table: SocketTable, wanted: ReadonlySet<number>): ReadonlySet<number> {
  const found = new Set<number>();
  for (let row = 0; row < table.count; row++) {
    const inode = table.inode[row];
    if (wanted.has(inode) && stateOfKernel(kernelStateOf(table, row)) !== 'CLOSED') {
      found.add(inode);
    }
  }
  return found;
}

/** Whether the process lives in a namespace that was read: a dead socket itself does not say where it was. */
function isInSight(
  pid: number,
  owners: OwnerIndex,
  { first, last, netns }: SocketSight,
  processes: ReadonlyMap<number, ProcessFacts> | null,
): 'yes' | 'no' | 'unknown' {
  const own = processes?.get(pid)?.netns;
  if (own !== undefined) return netns.some(({ inode }) => inode === own) ? 'yes' : 'no';
  const { count, pid: pids, inode } = owners.table;
  const held = new Set<number>();
  for (let at = 0; at < count; at++) if (pids[at] === pid) held.add(inode[at]);
  const holds = (table: SocketTable) =>
    table.inode.subarray(0, table.count).some((each) => held.has(each));
  return holds(last) || (first !== null && holds(first)) ? 'yes' : 'unknown';
}

/** All with one remote port: then they were connections to one service. */
function portClause(at: readonly number[], { table }: OwnerIndex): string {
  const ports = new Set(at.map((row) => (table.tcp?.[row] ?? 0) >>> 16));
  if (at.length < 2 || ports.size > 1) return '';
  return `; all ${grouped(at.length)} led to port ${[...ports][0]}`;
}

export const FIX: Fix = {
  summary:
    'close the descriptor on every error of read and write (ECONNRESET, ETIMEDOUT, EPIPE), and watch connections that are idle',
  steps: [
    {
      language: 'Node',
      text: "keep an 'error' and a 'close' listener that drop the socket from your pool; socket.destroy() it; do not leave it paused for ever",
    },
    {
      language: 'Python',
      text: '`with sock:` or try/finally sock.close() around every use; drop a pooled connection on OSError; register idle ones with the selector or asyncio so that an error is seen',
    },
    {
      language: 'Go',
      text: 'defer conn.Close(); on any error from Read or Write close it and do not return it to the pool (SetConnMaxIdleTime of database/sql)',
    },
    {
      language: 'Java',
      text: 'try-with-resources; on IOException close() the socket and remove it from the pool; let the pool validate and evict idle connections',
    },
  ],
  docs: 'docs/dead-descriptor.md',
};
