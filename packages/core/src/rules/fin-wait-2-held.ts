import type { ProcessFacts } from '../evidence/process-facts.ts';
import type { Finding, Fix } from '../finding/finding.ts';
import { ageOf, type Age } from '../socket/age.ts';
import { timerOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { forecastDescriptors, growthByAges } from './growth.ts';
import { describeHolders, groupByHolders, type HolderGroup } from './holders.ts';
import { countPeers } from './peers.ts';
import { atLeast, oldestOf, rowsInState, seenBefore } from './rows.ts';
import { defineRule, type Occasion } from './rule.ts';
import { finTimeoutOf } from './settings.ts';
import { severityByCount } from './severity.ts';
import { isEventLoop, isReceiving, mainCall, socketOf, threadLabel, threadsOf } from './threads.ts';
import { counted, grouped } from './wording.ts';

/**
 * A half-closed connection that carries an answer is well (RFC 9293 §3.6), and so is one whose peer still works on it. After
 * this long without a byte it is taken for forgotten.
 */
const PATIENCE_MS = 10_000;

/** Connections that the program has half closed and keeps, although nothing comes: FIN-WAIT-2 of a descriptor has no timer. */
export const finWait2Held = defineRule({
  id: 'fin-wait-2-held',
  needs: ['sockets', 'owners'],
  uses: ['processes', 'settings'],
  find({ sockets, owners, processes, settings }, occasion) {
    const table = sockets.last;
    const held = rowsInState(table, 'FIN-WAIT-2').filter(
      // After close the kernel has a timer on it: that is tcp_fin_timeout's.
      (row) => table.inode[row] !== 0 && timerOf(table, row) !== 'time-wait',
    );
    const before = seenBefore(sockets.first, table, held);
    const ages = quietAges(held, before, table, finTimeoutOf(settings), occasion);
    return groupByHolders(ages.keys(), table, owners, processes).map((group): Finding => {
      const { rows } = group;
      const groupAges = rows.flatMap((row) => ages.get(row) ?? []);
      const arrived =
        sockets.first === null
          ? null
          : rows.filter((row) => !before.has(row)).flatMap((row) => ages.get(row) ?? []);
      const growth = growthByAges(groupAges, arrived, occasion.windowMs, PATIENCE_MS);
      return {
        rule: 'fin-wait-2-held',
        severity: severityByCount(rows.length),
        title: `${describeHolders(group, table)} holds ${counted(rows.length, 'half-closed connection')} that ${rows.length === 1 ? 'its peer does' : 'their peers do'} not finish`,
        why: whyHeld(group, table, processes),
        cause: null,
        sockets: rows.length,
        oldest: oldestOf(groupAges),
        owners: group.owners,
        peers: countPeers(rows, table),
        growth,
        forecast: forecastDescriptors(group.owners, processes, growth, occasion.at),
        fix: FIX,
        rows,
      };
    });
  },
});

/** The ages of those in which nothing has come for long. */
function quietAges(
  rows: readonly number[],
  before: ReadonlySet<number>,
  table: SocketTable,
  finTimeoutMs: number,
  { windowMs }: Occasion,
): ReadonlyMap<number, Age> {
  const { info } = table;
  const ages = new Map<number, Age>();
  for (const row of rows) {
    const age = ageOf(table, row, { finTimeoutMs });
    const watchedMs = before.has(row) ? windowMs : 0;
    const silentMs = info !== null && info.known[row] === 1 ? info.lastDataRecv[row] : watchedMs;
    if (Math.min(Math.max(age.minMs, watchedMs), silentMs) < PATIENCE_MS) continue;
    ages.set(row, atLeast(age, watchedMs));
  }
  return ages;
}

function whyHeld(
  { owners, rows }: HolderGroup,
  table: SocketTable,
  processes: ReadonlyMap<number, ProcessFacts> | null,
): string {
  const unread = rows.filter((row) => table.recvQ[row] > 0).length;
  const data = unread === 0 ? '' : `; on ${grouped(unread)} of them it has not read what came`;
  return `it has shut down its sending side (shutdown SHUT_WR, socket.end(), CloseWrite), the peer acknowledged that and never closed its own; ${waiterOf(owners, rows, table, processes)}nothing ends this: tcp_fin_timeout counts only after close${data}`;
}

function waiterOf(
  owners: HolderGroup['owners'],
  rows: readonly number[],
  table: SocketTable,
  processes: ReadonlyMap<number, ProcessFacts> | null,
): string {
  const inodes = new Set(rows.map((row) => table.inode[row]));
  for (const { pid, fds } of owners) {
    const facts = processes?.get(pid);
    const threads = threadsOf(facts);
    const reader = threads.find(
      (thread) => isReceiving(thread) && inodes.has(socketOf(thread) ?? 0),
    );
    if (reader !== undefined) {
      return `thread ${threadLabel(reader)} waits for that in ${mainCall(reader)?.name} without a time-out; `;
    }
    if (facts?.watched.kind !== 'ok' || !threads.some(isEventLoop)) continue;
    const { fds: input } = facts.watched.value;
    if (fds.some((fd) => input.includes(fd))) return 'its event loop waits for that; ';
  }
  return '';
}

export const FIX: Fix = {
  summary:
    'close a half-closed connection when its end does not come in time; shutdown is no close, and no sysctl replaces it',
  steps: [
    {
      language: 'Node',
      text: "after socket.end(): socket.setTimeout(10_000, () => socket.destroy()), and consume the data (socket.resume()) so that 'end' can come",
    },
    {
      language: 'Python',
      text: 'sock.shutdown(socket.SHUT_WR); sock.settimeout(10); read to the end inside `with sock:`, so that a time-out closes it as well',
    },
    {
      language: 'Go',
      text: 'conn.CloseWrite(); conn.SetReadDeadline(time.Now().Add(10 * time.Second)); io.Copy(io.Discard, conn); with defer conn.Close()',
    },
    {
      language: 'Java',
      text: 'socket.shutdownOutput(); socket.setSoTimeout(10_000); read to −1 inside try-with-resources',
    },
  ],
  docs: 'docs/fin-wait-2-held.md',
};
