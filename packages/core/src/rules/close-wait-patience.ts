import type { SocketSight } from '../evidence/evidence.ts';
import type { ProcessFacts } from '../evidence/process-facts.ts';
import type { OwnerTable } from '../socket/owners.ts';
import { NO_OWNER, type OwnerIndex } from '../socket/owner-index.ts';
import { ageOf, type AgeContext } from '../socket/age.ts';
import { localPortOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import type { HolderGroup } from './holders.ts';
import { remoteOf } from './peers.ts';
import { nameOf, namesInState, rowsInState } from './rows.ts';
import { isAccepting } from './threads.ts';

/** A program that has nothing else to do answers a peer that has hung up within this time. */
export const SHORTEST_PATIENCE_MS = 3000;
/** A handler may take this long for a client that has left meanwhile. */
export const PATIENCE_MS = 10_000;
/** What has been left for so long is a fault, even if it is closed in the end. */
const LONGEST_PATIENCE_MS = 60_000;
/** As many at a time are no handlers, if none of them ends in the window and there is no thread for each. */
const MANY = 10;

/** A socket that was in CLOSE-WAIT at the first look, and that its program has closed since. */
interface Closed {
  /** How long it had been in CLOSE-WAIT at the first look, at least. */
  readonly ms: number;
  readonly services: readonly string[];
  readonly uid: number;
  readonly pids: readonly number[];
  readonly commands: readonly string[];
}

/** What was closed between two looks; null when there was only one. */
export function closedBetween(
  { first, last }: SocketSight,
  owners: OwnerIndex,
  firstOwners: OwnerTable | null,
  context: AgeContext,
): readonly Closed[] | null {
  if (first === null) return null;
  const still = namesInState(last, 'CLOSE-WAIT');
  // A descriptor that is left shows a connection that its peer has reset, not one that was closed.
  const rows = rowsInState(first, 'CLOSE-WAIT').filter(
    (row) =>
      first.inode[row] !== 0 &&
      !still.has(nameOf(first, row)) &&
      owners.firstOwner(first.inode[row]) === NO_OWNER,
  );
  const pidsOfInode = new Map(rows.map((row) => [first.inode[row], [] as number[]]));
  if (firstOwners !== null && rows.length > 0) {
    for (let at = 0; at < firstOwners.count; at++) {
      pidsOfInode.get(firstOwners.inode[at])?.push(firstOwners.pid[at]);
    }
  }
  return rows.map((row) => {
    const pids = pidsOfInode.get(first.inode[row]) ?? [];
    return {
      ms: ageOf(first, row, context).minMs,
      services: servicesOf(row, first),
      uid: first.uid[row],
      pids,
      commands: pids.map((pid) => firstOwners?.commands.get(pid) ?? '?'),
    };
  });
}

export interface Patience {
  readonly ms: number;
  /** Whether sockets of the group were closed in the window: then those that are young are on their way. */
  readonly isClosing: boolean;
}

/**
 * How long the holders of a group may leave a socket in CLOSE-WAIT: as long as handlers take, and twice as long as those took
 * that were closed in the window, since a slow handler that ends is not a leak.
 */
export function patienceWith(
  group: HolderGroup,
  table: SocketTable,
  closed: readonly Closed[] | null,
  processes: ReadonlyMap<number, ProcessFacts> | null,
): Patience {
  const alike = closed === null ? [] : closedAlike(group, table, closed);
  const slowest = alike.reduce((most, { ms }) => Math.max(most, ms), 0);
  const isPiled = closed !== null && alike.length === 0 && group.rows.length >= MANY;
  const base = isIdle(group, isPiled, processes) ? SHORTEST_PATIENCE_MS : PATIENCE_MS;
  return {
    ms: Math.max(base, Math.min(2 * slowest, LONGEST_PATIENCE_MS)),
    isClosing: alike.length > 0,
  };
}

function closedAlike(
  { rows, owners }: HolderGroup,
  table: SocketTable,
  closed: readonly Closed[],
): readonly Closed[] {
  if (closed.length === 0) return [];
  const services = new Set(rows.flatMap((row) => servicesOf(row, table)));
  const pids = new Set(owners.map(({ pid }) => pid));
  // A handler that is a process of its own has gone with its socket.
  const commands = new Set(owners.map(({ command }) => command));
  return closed.filter(
    (each) =>
      each.services.some((service) => services.has(service)) &&
      (each.pids.length === 0 || owners.length === 0
        ? each.uid === table.uid[rows[0]]
        : each.pids.some((pid) => pids.has(pid)) ||
          each.commands.some((command) => commands.has(command))),
  );
}

/** The port on each side: one of the two is ephemeral, and never met again. */
function servicesOf(row: number, table: SocketTable): readonly string[] {
  const netns = table.netns[row];
  return [`${netns} on ${localPortOf(table, row)}`, `${netns} to ${remoteOf(table, row)}`];
}

/** Whether nobody can be at work for the sockets of the group. */
function isIdle(
  { owners, rows }: HolderGroup,
  isPiled: boolean,
  processes: ReadonlyMap<number, ProcessFacts> | null,
): boolean {
  if (owners.length === 0) return false;
  return owners.every(({ pid }) => {
    const sight = processes?.get(pid)?.threads;
    if (sight?.kind !== 'ok' || sight.value.threads.length === 0) return false;
    const { threads, omitted, callsHidden } = sight.value;
    if (callsHidden === null && omitted === 0 && threads.every(isAccepting)) return true;
    return isPiled && threads.length + omitted < rows.length;
  });
}
