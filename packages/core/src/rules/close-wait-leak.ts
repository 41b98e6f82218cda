import type { ProcessFacts } from '../evidence/process-facts.ts';
import type { Finding, Severity } from '../finding/finding.ts';
import { ageOf, type Age } from '../socket/age.ts';
import { cookieOf, localPortOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { findCloseWaitCause, type CloseWaitQueues } from './close-wait-cause.ts';
import { closeWaitFix } from './close-wait-fix.ts';
import { forecastDescriptors, growthOf } from './growth.ts';
import { describeHolders, groupByHolders, type HolderGroup } from './holders.ts';
import { countPeers, describeTarget } from './peers.ts';
import { atLeast, cookiesInState, oldestOf, rowsInState } from './rows.ts';
import { defineRule } from './rule.ts';
import { finTimeoutOf } from './settings.ts';
import { grouped } from './wording.ts';

/** A program may take this long to answer a peer that has already hung up. */
const PATIENCE_MS = 3000;
const LONG_MS = 60_000;
const MANY = 100;
const DAY_MS = 86_400_000;

/** Sockets whose peer has hung up and whose program does not close them: CLOSE-WAIT has no time-out. */
export const closeWaitLeak = defineRule({
  id: 'close-wait-leak',
  needs: ['sockets', 'owners'],
  uses: ['processes', 'settings'],
  find({ sockets, owners, processes, settings }, occasion) {
    const table = sockets.last;
    const context = { finTimeoutMs: finTimeoutOf(settings) };
    const before = sockets.first === null ? null : cookiesInState(sockets.first, 'CLOSE-WAIT');
    const ages = new Map<number, Age>();
    for (const row of rowsInState(table, 'CLOSE-WAIT')) {
      // Without an inode the connection waits in the accept queue: accept-backlog-stalled speaks of those.
      if (table.inode[row] === 0) continue;
      const age = ageOf(table, row, context);
      const watched = before?.has(cookieOf(table, row)) === true ? occasion.windowMs : 0;
      if (Math.max(age.minMs, watched) >= PATIENCE_MS) ages.set(row, atLeast(age, watched));
    }
    return groupByHolders(ages.keys(), table, owners, processes).map((group): Finding => {
      const groupAges = group.rows.map((row) => ages.get(row) as Age);
      const arrived =
        before === null
          ? null
          : group.rows.filter((row) => !before.has(cookieOf(table, row))).length;
      const growth = growthOf(groupAges, arrived, occasion.windowMs, PATIENCE_MS);
      const forecast = forecastDescriptors(group.owners, processes, growth, occasion.at);
      const oldest = oldestOf(groupAges);
      const { cause, why } = causeOf(group, table, processes);
      const count = group.rows.length;
      return {
        rule: 'close-wait-leak',
        severity: severityOf(count, oldest?.ms ?? 0, forecast?.at ?? null, occasion.at),
        title: titleOf(group, table),
        why,
        cause,
        sockets: count,
        oldest,
        owners: group.owners,
        peers: countPeers(group.rows, table),
        growth,
        forecast,
        fix: closeWaitFix(cause),
        rows: group.rows,
      };
    });
  },
});

function titleOf(group: HolderGroup, table: SocketTable): string {
  const verb = group.owners.length > 1 ? 'hold' : 'holds';
  const count = group.rows.length;
  const sockets =
    count === 1 ? 'a socket that its peer' : `${grouped(count)} sockets that their peers`;
  return `${describeHolders(group, table)} ${verb} ${sockets} closed`;
}

function severityOf(count: number, oldestMs: number, goneAt: number | null, now: number): Severity {
  const soon = goneAt !== null && goneAt - now < DAY_MS;
  return count >= MANY || (count >= MANY / 10 && (oldestMs >= LONG_MS || soon))
    ? 'critical'
    : 'warning';
}

function causeOf(
  group: HolderGroup,
  table: SocketTable,
  processes: ReadonlyMap<number, ProcessFacts> | null,
) {
  const queues = { endRead: 0, finUnread: 0, dataUnread: 0 };
  for (const row of group.rows) {
    const unread = table.recvQ[row];
    queues[unread === 0 ? 'endRead' : unread === 1 ? 'finUnread' : 'dataUnread']++;
  }
  const [owner] = group.owners;
  const found: CloseWaitQueues = {
    ...queues,
    fds: owner?.fds ?? [],
    healthy: healthySiblings(group, table),
    describeTarget: (target) => describeTarget(target, table),
  };
  return findCloseWaitCause(
    found,
    owner === undefined ? null : (processes?.get(owner.pid) ?? null),
  );
}

/** Established connections of the same service, as links of /proc/PID/fd name them. */
function healthySiblings(group: HolderGroup, table: SocketTable): ReadonlySet<string> {
  const ports = new Set(group.rows.map((row) => localPortOf(table, row)));
  return new Set(
    rowsInState(table, 'ESTABLISHED')
      .filter((row) => ports.has(localPortOf(table, row)))
      .map((row) => `socket:[${table.inode[row]}]`),
  );
}
