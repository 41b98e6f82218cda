import type { ProcessFacts, ThreadActivity } from '../evidence/process-facts.ts';
import type { Finding, Fix } from '../finding/finding.ts';
import { NO_OWNER, type OwnerIndex } from '../socket/owner-index.ts';
import { kernelStateOf, timerOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { KERNEL_STATE } from '../tcp/state.ts';
import { elapsed } from './elapsed.ts';
import { describeHolders, groupByHolders } from './holders.ts';
import { listenersOf, type Listeners } from './listeners.ts';
import { countPeers } from './peers.ts';
import { oldestOf } from './rows.ts';
import { defineRule, type BlindSpot } from './rule.ts';
import { severityByCount } from './severity.ts';
import { isReceiving, mainCall, socketOf, threadLabel, threadsOf } from './threads.ts';
import { counted, grouped } from './wording.ts';

/** An answer may take this long. */
const PATIENCE_MS = 10_000;
/**
 * The kernel counts in jiffies of up to 10 ms (CONFIG_HZ), so what was sent so little after the last answer may as well have
 * been sent before it.
 */
const JIFFY_MS = 10;

/**
 * A program that has asked, and waits for the answer in a system call that has no time-out, on a connection without
 * keepalive: should the peer be gone, it waits for ever.
 *
 * Silent about everything that is idle by design: connections that came in, connections in an event loop or in poll (whose
 * time-out cannot be seen), and those whose last word was the peer's, as in pools and subscriptions.
 */
export const readHanging = defineRule({
  id: 'read-hanging',
  needs: ['sockets', 'owners', 'processes'],
  uses: [],
  find({ sockets, owners, processes }) {
    const table = sockets.last;
    const readers = readersByInode(processes);
    if (readers.size === 0) return [];
    const listeners = listenersOf(table);
    const rows: number[] = [];
    for (let row = 0; row < table.count; row++) {
      if (readers.has(table.inode[row]) && isUnanswered(table, row, listeners)) rows.push(row);
    }
    return groupByHolders(rows, table, owners, processes).map((group): Finding => {
      const waits = group.rows.map((row) => waitMsOf(table, row));
      const oldest = oldestOf(waits.map((minMs) => ({ minMs, maxMs: minMs, exact: true })));
      const peers = countPeers(group.rows, table);
      const where = peers.length === 1 ? peers[0].peer : `${peers.length} peers`;
      const one = group.rows.length === 1;
      const threads = group.rows.flatMap((row) => readers.get(table.inode[row]) ?? []);
      return {
        rule: 'read-hanging',
        severity: severityByCount(group.rows.length),
        title: `${describeHolders(group, table)} waits for ${one ? 'an answer' : `${grouped(group.rows.length)} answers`} of ${where}, without a time-out`,
        why: `${one ? `its request is acknowledged and ${neverAnswered(table, group.rows[0]) ? 'nothing has ever come back on this connection' : 'nothing has come since'}` : 'their requests are acknowledged and nothing has come since'}; ${waitersOf(threads)} no time-out and no keepalive was set${oldest === null ? '' : ` (${elapsed(oldest.ms)} so far)`}; this may be meant (a blocking pop, a long poll), but without keepalive nobody will notice that the peer has gone`,
        cause: null,
        sockets: group.rows.length,
        oldest,
        owners: group.owners,
        peers,
        growth: null,
        forecast: null,
        fix: FIX,
        rows: group.rows,
      };
    });
  },
  blindSpots({ sockets, owners, processes }) {
    return unseenReaders(sockets.last, owners, processes);
  },
});

/** The threads that are blocked in a receiving call, by the inode of the socket that they wait on. */
function readersByInode(
  processes: ReadonlyMap<number, ProcessFacts>,
): ReadonlyMap<number, ThreadActivity> {
  const readers = new Map<number, ThreadActivity>();
  for (const facts of processes.values()) {
    for (const thread of threadsOf(facts)) {
      const inode = isReceiving(thread) ? socketOf(thread) : null;
      if (inode !== null) readers.set(inode, thread);
    }
  }
  return readers;
}

/** An outgoing connection whose last word was ours, long ago, and has arrived. */
function isUnanswered(table: SocketTable, row: number, listeners: Listeners): boolean {
  const { info } = table;
  if (info === null || info.known[row] === 0) return false;
  if (kernelStateOf(table, row) !== KERNEL_STATE.ESTABLISHED || table.inode[row] === 0)
    return false;
  if (table.recvQ[row] > 0 || table.sendQ[row] > 0 || timerOf(table, row) !== 'none') return false;
  const sent = info.lastDataSent[row];
  const isOurs = neverAnswered(table, row) || info.lastDataRecv[row] - sent >= JIFFY_MS;
  return sent >= PATIENCE_MS && isOurs && !listeners.isServed(row);
}

function neverAnswered({ info }: SocketTable, row: number): boolean {
  return info !== null && info.dataSegsIn[row] === 0;
}

/** Since our last word; or since the connection began, if we have said nothing and wait for a greeting. */
function waitMsOf({ info }: SocketTable, row: number): number {
  return info === null ? 0 : info.lastDataSent[row];
}

function waitersOf(threads: readonly ThreadActivity[]): string {
  if (threads.length !== 1) return `${counted(threads.length, 'thread')} wait in recv:`;
  const [thread] = threads;
  const call = mainCall(thread);
  return `thread ${threadLabel(thread)} waits in ${call?.name} on descriptor ${call?.fd}:`;
}

/** Connections that look as if somebody waited on them, of processes whose system calls could not be seen. */
function unseenReaders(
  table: SocketTable,
  owners: OwnerIndex,
  processes: ReadonlyMap<number, ProcessFacts>,
): readonly BlindSpot[] {
  const listeners = listenersOf(table);
  let count = 0;
  let problem: BlindSpot | null = null;
  for (let row = 0; row < table.count; row++) {
    if (!isUnanswered(table, row, listeners)) continue;
    let at = owners.firstOwner(table.inode[row]);
    for (; at !== NO_OWNER; at = owners.nextOwner(at)) {
      const threads = processes.get(owners.table.pid[at])?.threads;
      const hidden = threads?.kind === 'ok' ? threads.value.callsHidden : (threads ?? null);
      if (hidden === null) continue;
      count++;
      problem ??= hidden;
    }
  }
  return problem === null
    ? []
    : [
        {
          reason: `whether a thread waits on ${counted(count, 'unanswered connection')} was not seen: ${problem.reason}`,
          remedy: problem.remedy,
        },
      ];
}

export const FIX: Fix = {
  summary:
    'give every read a time-out, and close the connection when it passes; where waiting is meant (a blocking pop, a subscription), turn on keepalive so that a vanished peer is noticed',
  steps: [
    {
      language: 'Node',
      text: 'socket.setTimeout(30_000, () => socket.destroy()); fetch(url, { signal: AbortSignal.timeout(30_000) }); socket.setKeepAlive(true, 60_000)',
    },
    {
      language: 'Python',
      text: 'sock.settimeout(30), create_connection(address, timeout=30), requests.get(url, timeout=(3, 30)); redis: socket_timeout and socket_keepalive=True',
    },
    {
      language: 'Go',
      text: 'conn.SetReadDeadline(time.Now().Add(30 * time.Second)) before each read; http.Client{Timeout: 30 * time.Second}',
    },
    {
      language: 'Java',
      text: 'socket.setSoTimeout(30_000); HttpRequest.newBuilder().timeout(Duration.ofSeconds(30)); socketTimeout of the JDBC URL',
    },
  ],
  docs: 'docs/read-hanging.md',
};
