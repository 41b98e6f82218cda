import type { ProcessFacts, ThreadActivity } from '../evidence/process-facts.ts';
import type { Finding, Fix } from '../finding/finding.ts';
import type { Age } from '../socket/age.ts';
import { kernelStateOf, retransmitsOf, timerOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { KERNEL_STATE } from '../tcp/state.ts';
import { describeHolders, groupByHolders, type HolderGroup } from './holders.ts';
import { countPeers } from './peers.ts';
import { givingUpClause, heldGivesUp, type GivingUp } from './retransmission.ts';
import { oldestOf, seenBefore } from './rows.ts';
import { defineRule, type Occasion } from './rule.ts';
import { severityByCount } from './severity.ts';
import { isSending, mainCall, socketOf, threadLabel, threadsOf } from './threads.ts';
import { counted, grouped } from './wording.ts';

/** A reader may pause. A thread that is blocked for so long serves nobody. */
const PATIENCE_MS = 10_000;
/** Where no thread is blocked a pause costs memory only, and players that buffer video make long ones. */
const LONG_PATIENCE_MS = 60_000;
/** Unanswered probes from which on the peer is not just slow. */
const UNANSWERED = 3;

/** Data that the peer has no room for: its window is zero, because its program does not read. */
export const sendStuck = defineRule({
  id: 'send-stuck',
  needs: ['sockets', 'owners'],
  uses: ['processes', 'settings'],
  find({ sockets, owners, processes, settings }, occasion) {
    const table = sockets.last;
    const probed = probedRows(table);
    if (probed.length === 0) return [];
    const senders = sendersByInode(processes);
    const ages = stuckAges(probed, senders, sockets.first, table, occasion);
    return groupByHolders(ages.keys(), table, owners, processes).map((group): Finding => {
      const { rows } = group;
      const bytes = rows.reduce((sum, row) => sum + table.sendQ[row], 0);
      const one = rows.length === 1;
      return {
        rule: 'send-stuck',
        severity: severityByCount(rows.length),
        title: `${describeHolders(group, table)} cannot send: ${one ? 'a peer does' : `${grouped(rows.length)} peers do`} not read, ${grouped(bytes)} bytes wait`,
        why: whyStuck(group, table, senders, heldGivesUp(settings)),
        cause: null,
        sockets: rows.length,
        oldest: oldestOf(rows.flatMap((row) => ages.get(row) ?? [])),
        owners: group.owners,
        peers: countPeers(rows, table),
        growth: null,
        forecast: null,
        fix: FIX,
        rows,
      };
    });
  },
});

/** Connections with data to send, on which the kernel only probes whether the peer's window has opened. */
function probedRows(table: SocketTable): number[] {
  const rows: number[] = [];
  for (let row = 0; row < table.count; row++) {
    if (table.sendQ[row] === 0 || table.inode[row] === 0 || timerOf(table, row) !== 'probe')
      continue;
    const state = kernelStateOf(table, row);
    if (state === KERNEL_STATE.ESTABLISHED || state === KERNEL_STATE['CLOSE-WAIT']) rows.push(row);
  }
  return rows;
}

function stuckAges(
  rows: readonly number[],
  senders: ReadonlyMap<number, ThreadActivity>,
  first: SocketTable | null,
  table: SocketTable,
  { windowMs }: Occasion,
): ReadonlyMap<number, Age> {
  const { info } = table;
  const before = seenBefore(
    first,
    table,
    rows,
    (earlier) => first !== null && timerOf(first, earlier) === 'probe',
  );
  const ages = new Map<number, Age>();
  for (const row of rows) {
    // A probe is no data, so it leaves tcpi_last_data_sent alone (net/ipv4/tcp_output.c, tcp_xmit_probe_skb()).
    const known = info !== null && info.known[row] === 1;
    const ms = known ? info.lastDataSent[row] : before.has(row) ? windowMs : 0;
    const patience = senders.has(table.inode[row]) ? PATIENCE_MS : LONG_PATIENCE_MS;
    if (ms >= patience) ages.set(row, { minMs: ms, maxMs: known ? ms : null, exact: known });
  }
  return ages;
}

/** The threads that are blocked in a sending call, by the inode of their socket. */
function sendersByInode(
  processes: ReadonlyMap<number, ProcessFacts> | null,
): ReadonlyMap<number, ThreadActivity> {
  const senders = new Map<number, ThreadActivity>();
  for (const facts of processes?.values() ?? []) {
    for (const thread of threadsOf(facts)) {
      const inode = isSending(thread) ? socketOf(thread) : null;
      if (inode !== null) senders.set(inode, thread);
    }
  }
  return senders;
}

function whyStuck(
  { rows }: HolderGroup,
  table: SocketTable,
  senders: ReadonlyMap<number, ThreadActivity>,
  givingUp: GivingUp,
): string {
  const blocked = rows.flatMap((row) => senders.get(table.inode[row]) ?? []);
  const [thread] = blocked;
  const who =
    blocked.length === 0
      ? ''
      : blocked.length === 1
        ? `; thread ${threadLabel(thread)} is blocked in ${mainCall(thread)?.name} on descriptor ${mainCall(thread)?.fd}`
        : `; ${counted(blocked.length, 'thread')} are blocked in sending`;
  const silent = rows.filter((row) => retransmitsOf(table, row) >= UNANSWERED).length;
  const rest =
    silent === rows.length
      ? `its probes are not answered, so the peer may be gone: the kernel gives up after ${givingUpClause(givingUp)}`
      : 'it probes, and as long as the peer answers, the kernel never gives up';
  return `the receive window is zero: the peer's kernel is full of data that its program does not read; ${rest}${who}`;
}

export const FIX: Fix = {
  summary:
    'give every write a time-out and close the connection when it passes; see why the peer does not read; raising buffers only delays it',
  steps: [
    {
      language: 'Node',
      text: "stop producing when socket.write() returns false and go on at 'drain' (stream.pipeline does both); socket.setTimeout(60_000, () => socket.destroy())",
    },
    {
      language: 'Python',
      text: 'sock.settimeout(60) covers sendall(); asyncio: async with asyncio.timeout(60): await writer.drain(), then writer.transport.abort()',
    },
    {
      language: 'Go',
      text: 'conn.SetWriteDeadline(time.Now().Add(time.Minute)) before each write; http.Server{WriteTimeout: …}',
    },
    {
      language: 'Java',
      text: 'setSoTimeout() does not cover writes: write with a SocketChannel and a Selector, or close the socket from a timer; Netty: WriteTimeoutHandler and isWritable()',
    },
  ],
  docs: 'docs/send-stuck.md',
};
