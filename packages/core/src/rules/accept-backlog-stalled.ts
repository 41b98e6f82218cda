import type { SocketSight } from '../evidence/evidence.ts';
import type { ProcessFacts, ThreadActivity } from '../evidence/process-facts.ts';
import type { Finding, FindingOwner, Fix } from '../finding/finding.ts';
import { ageOf, type Age } from '../socket/age.ts';
import { kernelStateOf, localPortOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { KERNEL_STATE } from '../tcp/state.ts';
import { describeHolders, groupByHolders } from './holders.ts';
import { listenersOf } from './listeners.ts';
import { countPeers } from './peers.ts';
import { oldestOf, seenBefore } from './rows.ts';
import { defineRule, type Occasion } from './rule.ts';
import { finTimeoutOf } from './settings.ts';
import {
  isAccepting,
  isBusy,
  isEventLoop,
  percentBusy,
  threadLabel,
  threadsOf,
  waitOf,
} from './threads.ts';
import { counted, grouped } from './wording.ts';

/** A connection may wait this long for accept. */
const PATIENCE_MS = 3000;
/** The queue is served in order: who waits at both ends of a shorter window may just have come before the first look. */
const SHORTEST_WATCH_MS = 900;

/** The connections that wait for accept on one port of one network namespace. */
interface Queue {
  readonly listeners: number[];
  readonly waiting: number[];
}

/**
 * A LISTEN socket whose program does not accept. The kernel has completed the connections, so the clients believe that they
 * are served; they have no inode until accept gives them one.
 */
export const acceptBacklogStalled = defineRule({
  id: 'accept-backlog-stalled',
  needs: ['sockets', 'owners'],
  uses: ['processes', 'settings'],
  find({ sockets, owners, processes, settings }, occasion) {
    const table = sockets.last;
    const context = { finTimeoutMs: finTimeoutOf(settings) };
    return queuesOf(sockets).flatMap(({ listeners, waiting }): Finding[] => {
      const ages = new Map(waiting.map((row) => [row, ageOf(table, row, context)]));
      const stuck = stuckRows(ages, sockets, occasion);
      if (stuck.length === 0) return [];
      const closed = waiting.filter(
        (row) => kernelStateOf(table, row) === KERNEL_STATE['CLOSE-WAIT'],
      ).length;
      return groupByHolders(listeners, table, owners, processes).map((group) => {
        const length = sum(group.rows, table.recvQ);
        const limit = sum(group.rows, table.sendQ);
        const isFull = group.rows.some((row) => table.recvQ[row] >= table.sendQ[row]);
        const gone =
          closed === 0 ? '' : `, ${grouped(closed)} of them already closed by their clients`;
        return {
          rule: 'accept-backlog-stalled',
          severity: isFull ? 'critical' : 'warning',
          title: `${describeHolders(group, table)} does not accept: ${counted(length, 'connection')} wait${length === 1 ? 's' : ''} on port ${localPortOf(table, group.rows[0])}, where the queue holds ${grouped(limit)}${gone}`,
          why: `${isFull ? 'the queue is full, so the kernel ignores new clients; ' : ''}${whyNotAccepted(group.owners, processes)}`,
          cause: null,
          sockets: length,
          oldest: oldestOf(stuck),
          owners: group.owners,
          peers: countPeers(waiting, table),
          growth: null,
          forecast: null,
          fix: FIX,
          rows: [...group.rows, ...waiting],
        };
      });
    });
  },
});

/** Queues that are not empty, and were not at the first look. */
function queuesOf({ first, last }: SocketSight): Queue[] {
  const pending = listenersOf(last).rows.filter((row) => last.recvQ[row] > 0);
  const wereEmpty = seenBefore(first, last, pending, (earlier) => first?.recvQ[earlier] === 0);
  const queues = new Map<number, Queue>();
  const keyOf = (row: number) => last.netns[row] * 65_536 + localPortOf(last, row);
  for (const row of pending) {
    if (wereEmpty.has(row)) continue;
    const queue = queues.get(keyOf(row));
    if (queue === undefined) queues.set(keyOf(row), { listeners: [row], waiting: [] });
    else queue.listeners.push(row);
  }
  if (queues.size === 0) return [];
  for (let row = 0; row < last.count; row++) {
    if (last.inode[row] === 0 && isComplete(last, row)) queues.get(keyOf(row))?.waiting.push(row);
  }
  return [...queues.values()];
}

function isComplete(table: SocketTable, row: number): boolean {
  const state = kernelStateOf(table, row);
  return state === KERNEL_STATE.ESTABLISHED || state === KERNEL_STATE['CLOSE-WAIT'];
}

/** The ages of the connections that have waited too long. */
function stuckRows(
  ages: ReadonlyMap<number, Age>,
  { first, last }: SocketSight,
  { windowMs }: Occasion,
): Age[] {
  const watched =
    windowMs >= SHORTEST_WATCH_MS
      ? seenBefore(first, last, [...ages.keys()], (earlier) => first?.inode[earlier] === 0)
      : new Set<number>();
  return [...ages].flatMap(([row, { minMs }]) => {
    const ms = watched.has(row) ? Math.max(minMs, windowMs) : minMs;
    return watched.has(row) || ms >= PATIENCE_MS ? [{ minMs: ms, maxMs: null, exact: false }] : [];
  });
}

/** What keeps the program from accept. */
function whyNotAccepted(
  owners: readonly FindingOwner[],
  processes: ReadonlyMap<number, ProcessFacts> | null,
): string {
  for (const { pid, fds } of owners) {
    const facts = processes?.get(pid);
    const reason = facts === undefined ? null : reasonOf(facts, fds);
    if (reason === null) continue;
    return owners.length === 1 ? reason : `of its ${owners.length} holders, ${reason}`;
  }
  return 'its accept loop does not run; what its threads do instead was not seen';
}

function reasonOf(facts: ProcessFacts, fds: readonly number[]): string | null {
  const { descriptors, pid } = facts;
  if (
    descriptors.kind === 'ok' &&
    descriptors.value.open >= (descriptors.value.limit ?? Infinity)
  ) {
    return `it has used all ${grouped(descriptors.value.open)} descriptors that it may have, so accept fails (EMFILE)`;
  }
  const threads = threadsOf(facts);
  const stopped = threads.find(({ state }) => state === 'T' || state === 't');
  if (stopped !== undefined) {
    return `it is stopped (state ${stopped.state}: ${stopped.state === 't' ? 'by a debugger' : 'SIGSTOP or a terminal'})`;
  }
  const busy = threads.find(isBusy);
  if (busy !== undefined) {
    return `thread ${threadLabel(busy)} uses ${percentBusy(busy)} of a processor and does not come back to accept`;
  }
  if (threads.some(isEventLoop)) return fromEventLoop(facts, fds);
  if (threads.some(isAccepting)) {
    return 'a thread waits in accept, but not for this queue, or too few threads accept for the load';
  }
  const wait = firstWait(threads, pid);
  return wait === null ? null : `instead of accepting, ${wait}`;
}

function fromEventLoop(facts: ProcessFacts, fds: readonly number[]): string | null {
  if (facts.watched.kind !== 'ok') return null;
  const { fds: input, complete } = facts.watched.value;
  if (fds.some((fd) => input.includes(fd))) {
    return 'its event loop waits with the listener registered and yet does not accept: with edge-triggered events accept must be called until EAGAIN';
  }
  return complete
    ? `its event loop waits in epoll, but the listening descriptor ${fds.join(', ')} is not registered there: accepting is paused or was given up`
    : null;
}

/** The first thread's wait says most: it is the one that accepts in simple servers. */
function firstWait(threads: readonly ThreadActivity[], pid: number): string | null {
  const main = threads.find(({ tid }) => tid === pid);
  const ordered =
    main === undefined ? threads : [main, ...threads.filter(({ tid }) => tid !== pid)];
  return (
    ordered.map((thread) => waitOf(thread, thread === main)).find((wait) => wait !== null) ?? null
  );
}

function sum(rows: readonly number[], column: Uint32Array): number {
  return rows.reduce((total, row) => total + column[row], 0);
}

export const FIX: Fix = {
  summary:
    'let the accept loop do nothing but accept, and hand the connection over; a larger backlog only hides that nobody accepts',
  steps: [
    {
      language: 'Node',
      text: 'keep the event loop free: move synchronous work to a worker_threads Worker; look for server.maxConnections and for EMFILE',
    },
    {
      language: 'Python',
      text: 'call listen() when the server is ready to serve, give each connection to a thread or task, and catch OSError around accept() so that the loop goes on',
    },
    {
      language: 'Go',
      text: 'for { conn, err := ln.Accept(); …; go handle(conn) }: never handle in the loop, and on a temporary error retry after a pause',
    },
    {
      language: 'Java',
      text: 'accept() in a thread of its own, executor.execute(() -> handle(socket)) with a pool whose tasks have time-outs, try/catch inside of the loop',
    },
  ],
  docs: 'docs/accept-backlog-stalled.md',
};
