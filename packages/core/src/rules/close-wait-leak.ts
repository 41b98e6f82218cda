import type { Finding, Growth, Severity } from '../finding/finding.ts';
import { UNKNOWN_AGE, ageOf, type Age } from '../socket/age.ts';
import { localPortOf, timerOf } from '../socket/row.ts';
import { UNKNOWN_SEGMENTS, type SocketTable } from '../socket/table.ts';
import { findCloseWaitCause } from './close-wait-cause.ts';
import { closeWaitFix } from './close-wait-fix.ts';
import {
  PATIENCE_MS,
  SHORTEST_PATIENCE_MS,
  closedBetween,
  patienceWith,
  type Patience,
} from './close-wait-patience.ts';
import type { CloseWaitQueues } from './close-wait-queues.ts';
import { elapsed } from './elapsed.ts';
import { forecastDescriptors, growthByAges } from './growth.ts';
import { describeHolders, groupByHolders, holdersOf, type HolderGroup } from './holders.ts';
import { incomingAmong } from './listeners.ts';
import { countPeers, describeTarget } from './peers.ts';
import { atLeast, nameOf, namesInState, oldestOf, rowsInState } from './rows.ts';
import { defineRule, type BlindSpot, type Occasion, type Seen } from './rule.ts';
import { finTimeoutOf } from './settings.ts';
import { counted, grouped } from './wording.ts';

const LONG_MS = 60_000;
/** What came within this time of each other came at once. */
const AT_ONCE_MS = 3000;
/** What was sent so much later than another connection was closed was sent by a program that was not blocked. */
const MOVED_ON_MS = 1000;
const MANY = 100;
const DAY_MS = 86_400_000;

/** Sockets whose peer has hung up and whose program does not close them: CLOSE-WAIT has no time-out. */
export const closeWaitLeak = defineRule({
  id: 'close-wait-leak',
  needs: ['sockets', 'owners'],
  uses: ['processes', 'settings'],
  find(seen, occasion) {
    const table = seen.sockets.last;
    const { owners, processes } = seen;
    return suspectsOf(seen, occasion).flatMap((suspects): Finding[] => {
      const { young, ages, patience } = suspects;
      const rows = young.rows.filter((row) => ageIn(ages, row).minMs >= patience.ms);
      if (rows.length === 0) return [];
      const group = { rows, owners: holdersOf(rows, table, owners, processes) };
      const groupAges = rows.map((row) => ageIn(ages, row));
      const growth = growthOf(suspects, occasion);
      const forecast = forecastDescriptors(group.owners, processes, growth, occasion.at);
      const queues = queuesOf(group, groupAges, table);
      const [owner] = group.owners;
      const facts = owner === undefined ? null : (processes?.get(owner.pid) ?? null);
      const { cause, why } = findCloseWaitCause(queues, facts);
      return [
        {
          rule: 'close-wait-leak',
          severity: severityOf(groupAges, forecast?.at ?? null, occasion.at),
          title: titleOf(group, table),
          why,
          cause,
          sockets: rows.length,
          oldest: oldestOf(groupAges),
          owners: group.owners,
          peers: countPeers(rows, table),
          growth,
          forecast,
          fix: closeWaitFix(cause, queues.isClient),
          rows,
        },
      ];
    });
  },
  blindSpots(seen, occasion) {
    const waiting = suspectsOf(seen, occasion).flatMap(({ young, ages, patience }) => {
      const isJudged =
        patience.isClosing || young.rows.some((row) => ageIn(ages, row).minMs >= patience.ms);
      return isJudged ? [] : young.rows;
    });
    const { last } = seen.sockets;
    const hidden = rowsInState(last, 'CLOSE-WAIT').filter((row) =>
      isAgeHidden(seen, row, occasion),
    );
    const spots = hidden.length === 0 ? [] : [hiddenAges(hidden.length)];
    if (waiting.length === 0) return spots;
    return [
      ...spots,
      {
        reason: `${counted(waiting.length, 'socket')} that ${waiting.length === 1 ? 'its peer' : 'their peers'} closed some seconds ago may still be closed by a slow handler`,
        remedy: 'look for longer: --for 10s',
      },
    ];
  },
});

/** Each answer to a keepalive probe resets last_ack_recv, from which the age is told: it may be as old as its last data. */
function isAgeHidden(
  { sockets: { first, last }, settings }: Seen<'sockets', 'settings'>,
  row: number,
  { windowMs }: Occasion,
): boolean {
  if (last.inode[row] === 0 || timerOf(last, row) !== 'keepalive') return false;
  const { minMs, maxMs } = ageOf(last, row, { finTimeoutMs: finTimeoutOf(settings) });
  // One that was watched long enough is judged as any other.
  const isJudged = minMs >= SHORTEST_PATIENCE_MS || (first !== null && windowMs >= PATIENCE_MS);
  return !isJudged && (maxMs ?? PATIENCE_MS) >= PATIENCE_MS;
}

function hiddenAges(count: number): BlindSpot {
  return {
    reason: `TCP keepalive hides how long ${counted(count, 'socket')} ${count === 1 ? 'has' : 'have'} been in CLOSE-WAIT`,
    remedy: 'look for longer: --for 12s',
  };
}

interface Suspects {
  /** Sockets that may be too young yet. */
  readonly young: HolderGroup;
  readonly ages: ReadonlyMap<number, Age>;
  /** Rows of those that were in CLOSE-WAIT at the first look; null when there was only one. */
  readonly before: ReadonlySet<number> | null;
  readonly patience: Patience;
}

/** Every group of sockets that have been in CLOSE-WAIT for as long as can be suspicious. */
function suspectsOf(
  { sockets, owners, processes, settings }: Seen<'sockets' | 'owners', 'processes' | 'settings'>,
  { windowMs, firstOwners }: Occasion,
): Suspects[] {
  const { first, last } = sockets;
  const context = { finTimeoutMs: finTimeoutOf(settings) };
  const before = first === null ? null : namesInState(first, 'CLOSE-WAIT');
  const stayed = new Set<number>();
  const ages = new Map<number, Age>();
  for (const row of rowsInState(last, 'CLOSE-WAIT')) {
    // Without an inode the connection waits in the accept queue: accept-backlog-stalled speaks of those.
    if (last.inode[row] === 0) continue;
    const age = ageOf(last, row, context);
    const hasStayed = before?.has(nameOf(last, row)) === true;
    if (hasStayed) stayed.add(row);
    const watched = hasStayed ? windowMs : 0;
    if (Math.max(age.minMs, watched) >= SHORTEST_PATIENCE_MS) ages.set(row, atLeast(age, watched));
  }
  if (ages.size === 0) return [];
  const closed = closedBetween(sockets, owners, firstOwners ?? null, context);
  return groupByHolders(ages.keys(), last, owners, processes).map((young) => ({
    young,
    ages,
    before: before === null ? null : stayed,
    patience: patienceWith(young, last, closed, processes),
  }));
}

function ageIn(ages: ReadonlyMap<number, Age>, row: number): Age {
  return ages.get(row) ?? UNKNOWN_AGE;
}

/** Those that are still too young count, too, unless some of them are closed. */
function growthOf(
  { young, ages, before, patience }: Suspects,
  { windowMs }: Occasion,
): Growth | null {
  const fromMs = patience.isClosing ? patience.ms : SHORTEST_PATIENCE_MS;
  const rows = young.rows.filter((row) => ageIn(ages, row).minMs >= fromMs);
  const arrived = before === null ? null : rows.filter((row) => !before.has(row));
  return growthByAges(
    rows.map((row) => ageIn(ages, row)),
    arrived?.map((row) => ageIn(ages, row)) ?? null,
    windowMs,
    fromMs,
  );
}

function titleOf(group: HolderGroup, table: SocketTable): string {
  const verb = group.owners.length > 1 ? 'hold' : 'holds';
  const count = group.rows.length;
  const sockets =
    count === 1 ? 'a socket that its peer' : `${grouped(count)} sockets that their peers`;
  return `${describeHolders(group, table)} ${verb} ${sockets} closed`;
}

/** A pool whose peer was restarted has many at once, and no more. */
function severityOf(ages: readonly Age[], goneAt: number | null, now: number): Severity {
  const oldest = ages.reduce((most, { minMs }) => Math.max(most, minMs), 0);
  const youngest = ages.reduce((least, { minMs }) => Math.min(least, minMs), oldest);
  const isLong = oldest >= LONG_MS && oldest - youngest > AT_ONCE_MS;
  const soon = goneAt !== null && goneAt - now < DAY_MS;
  return ages.length >= MANY || (ages.length >= MANY / 10 && (isLong || soon))
    ? 'critical'
    : 'warning';
}

function queuesOf(group: HolderGroup, ages: readonly Age[], table: SocketTable): CloseWaitQueues {
  const queues = { endRead: 0, finUnread: 0, dataUnread: 0 };
  for (const row of group.rows) {
    const unread = table.recvQ[row];
    queues[unread === 0 ? 'endRead' : unread === 1 ? 'finUnread' : 'dataUnread']++;
  }
  const isIncoming = incomingAmong(group.rows, table);
  const incoming = group.rows.filter(isIncoming).length;
  const isClient = incoming * 2 < group.rows.length;
  const healthy = siblingsOf(group, table, 'ESTABLISHED');
  return {
    ...queues,
    begun: group.rows.filter((row) => isBegun(table, row)).length,
    fds: group.owners[0]?.fds ?? [],
    healthy,
    connections: healthy.size + siblingsOf(group, table, 'CLOSE-WAIT').size,
    isClient,
    wentOn: isClient && group.owners.length === 1 ? wentOn(group.rows, ages, table) : null,
    describeTarget: (target) => describeTarget(target, table),
  };
}

/** Whether something was read: the end of the stream, or all the data that came before it. */
function isBegun({ recvQ, info }: SocketTable, row: number): boolean {
  if (recvQ[row] !== 1 || info === null || info.known[row] === 0) return recvQ[row] === 0;
  return info.dataSegsIn[row] > 0 && info.dataSegsIn[row] !== UNKNOWN_SEGMENTS;
}

/** Connections of the same service in a state, as links of /proc/PID/fd name them. */
function siblingsOf(
  group: HolderGroup,
  table: SocketTable,
  state: 'ESTABLISHED' | 'CLOSE-WAIT',
): ReadonlySet<string> {
  const keyOf = (row: number) => table.netns[row] * 65_536 + localPortOf(table, row);
  const ports = new Set(group.rows.map(keyOf));
  return new Set(
    rowsInState(table, state)
      .filter((row) => table.inode[row] !== 0 && ports.has(keyOf(row)))
      .map((row) => `socket:[${table.inode[row]}]`),
  );
}

/** A client that has sent something, if only on another of the connections, since the first of them was closed. */
function wentOn(rows: readonly number[], ages: readonly Age[], table: SocketTable): string | null {
  const { info } = table;
  if (info === null) return null;
  const sent = rows
    .filter((row) => info.known[row] === 1)
    .reduce((least, row) => Math.min(least, info.lastDataSent[row]), Infinity);
  const oldest = ages.reduce((most, { minMs }) => Math.max(most, minMs), 0);
  return oldest - sent < MOVED_ON_MS
    ? null
    : `it has last sent on one of them ${elapsed(sent)} ago, when another had been closed for ${elapsed(oldest - sent)}`;
}
