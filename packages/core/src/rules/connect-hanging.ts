import type { ProcessFacts } from '../evidence/process-facts.ts';
import type { Finding, Fix } from '../finding/finding.ts';
import { UNKNOWN_AGE, type Age } from '../socket/age.ts';
import { retransmitsOf, timerOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { elapsed } from './elapsed.ts';
import { describeHolders, groupByHolders, type HolderGroup } from './holders.ts';
import { countPeers, remoteOf } from './peers.ts';
import { atLeast, oldestOf, rowsInState, seenBefore } from './rows.ts';
import { defineRule, type Occasion } from './rule.ts';
import { severityByCount } from './severity.ts';
import { synScheduleOf } from './syn-retries.ts';
import { mainCall, threadLabel, threadsOf } from './threads.ts';
import { counted } from './wording.ts';

/** One lost SYN is bad luck, two in a row are none: 2 s without an answer, 3 s before Linux 6.5. */
const UNANSWERED = 2;
const PATIENCE_MS = 3000;
/** A program that tries more destinations than this gets one finding for all of them. */
const MOST_DESTINATIONS = 3;

/** Connections that are not answered at all: neither SYN-ACK nor RST comes. */
export const connectHanging = defineRule({
  id: 'connect-hanging',
  needs: ['sockets', 'owners'],
  uses: ['processes', 'settings'],
  find({ sockets, owners, processes, settings }, occasion) {
    const table = sockets.last;
    const schedule = synScheduleOf(settings, occasion.kernel);
    const ages = agesOf(rowsInState(table, 'SYN-SENT'), sockets.first, table, schedule, occasion);
    const groups = groupByHolders(ages.keys(), table, owners, processes);
    return groups
      .flatMap((group) => byDestination(group, table))
      .map((group): Finding => {
        const { rows } = group;
        const peers = countPeers(rows, table);
        const oldest = oldestOf(rows.map((row) => ages.get(row) ?? UNKNOWN_AGE));
        const where = peers.length === 1 ? peers[0].peer : `${peers.length} destinations`;
        const limit = `the kernel gives up after ${elapsed(schedule.givesUpAfterMs)} (tcp_syn_retries = ${schedule.retries})`;
        return {
          rule: 'connect-hanging',
          severity: severityByCount(rows.length),
          title: `${describeHolders(group, table)} gets no answer from ${where}: ${counted(rows.length, 'connection attempt')} hang${rows.length === 1 ? 's' : ''}`,
          why: `${repetitionsOf(rows, table)} brought neither a SYN-ACK nor an RST: the host is down, a firewall drops the packets, the route is wrong, or its accept queue is full; ${waiterOf(group, processes)}${limit}`,
          cause: null,
          sockets: rows.length,
          oldest,
          owners: group.owners,
          peers,
          growth: null,
          forecast: null,
          fix: FIX,
          rows,
        };
      });
  },
});

function agesOf(
  rows: readonly number[],
  first: SocketTable | null,
  table: SocketTable,
  schedule: ReturnType<typeof synScheduleOf>,
  { windowMs }: Occasion,
): ReadonlyMap<number, Age> {
  const before = seenBefore(first, table, rows);
  const ages = new Map<number, Age>();
  for (const row of rows) {
    const watchedMs = before.has(row) ? windowMs : 0;
    const repeated = retransmitsOf(table, row);
    if (repeated < UNANSWERED && watchedMs < PATIENCE_MS) continue;
    const ms =
      timerOf(table, row) === 'retransmit' ? schedule.elapsedMs(repeated, table.expires[row]) : 0;
    const age: Age = ms === 0 ? UNKNOWN_AGE : { minMs: ms, maxMs: ms, exact: false };
    ages.set(row, atLeast(age, watchedMs));
  }
  return ages;
}

function byDestination(group: HolderGroup, table: SocketTable): HolderGroup[] {
  const rowsByPeer = new Map<string, number[]>();
  for (const row of group.rows) {
    const peer = remoteOf(table, row);
    const rows = rowsByPeer.get(peer);
    if (rows === undefined) rowsByPeer.set(peer, [row]);
    else rows.push(row);
  }
  if (rowsByPeer.size === 1 || rowsByPeer.size > MOST_DESTINATIONS) return [group];
  return [...rowsByPeer.values()].map((rows) => ({ rows, owners: group.owners }));
}

function repetitionsOf(rows: readonly number[], table: SocketTable): string {
  const most = rows.reduce((most, row) => Math.max(most, retransmitsOf(table, row)), 0);
  return most === 0
    ? 'its SYN'
    : `the SYN and ${most === 1 ? 'a repetition' : `${most} repetitions`}`;
}

function waiterOf(
  { owners }: HolderGroup,
  processes: ReadonlyMap<number, ProcessFacts> | null,
): string {
  for (const { pid } of owners) {
    const threads = threadsOf(processes?.get(pid));
    const waiting = threads.filter((thread) => mainCall(thread)?.name === 'connect');
    if (waiting.length === 0) continue;
    const who =
      waiting.length === 1
        ? `thread ${threadLabel(waiting[0])} waits`
        : `${waiting.length} threads wait`;
    return `${who} in a blocking connect; `;
  }
  return '';
}

export const FIX: Fix = {
  summary:
    'find out who drops the packets (is the host up, the port right, the firewall open?), and give every connect a time-out of a few seconds',
  steps: [
    {
      language: 'Node',
      text: 'net.connect() has no time-out: const timer = setTimeout(() => socket.destroy(new Error("connect time-out")), 5000), cleared on "connect"; with http pass signal: AbortSignal.timeout(5000)',
    },
    {
      language: 'Python',
      text: 'socket.create_connection((host, port), timeout=5); requests: timeout=(3, 30); asyncio: async with asyncio.timeout(5)',
    },
    {
      language: 'Go',
      text: 'net.Dialer{Timeout: 5 * time.Second}, also as DialContext of http.Transport; or a context with a deadline',
    },
    {
      language: 'Java',
      text: 'socket.connect(address, 5000); HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5))',
    },
  ],
  docs: 'docs/connect-hanging.md',
};
