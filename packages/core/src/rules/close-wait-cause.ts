import type { ProcessFacts, ThreadActivity } from '../evidence/process-facts.ts';
import { lockedOutOrIdle } from './close-wait-pool.ts';
import { socketsOf, type CauseFound, type CloseWaitQueues } from './close-wait-queues.ts';
import {
  isAccepting,
  isBusy,
  isEventLoop,
  isSleeping,
  mainCall,
  percentBusy,
  threadLabel,
  isStuck,
  waitOf,
} from './threads.ts';

/** Share of its processor time from which on a busy thread is calling the kernel all the time, not computing. */
const KERNEL_SHARE = 0.15;

/**
 * Why a program leaves sockets in CLOSE-WAIT, from their receive queues and from what its threads do. Recv-Q is
 * `rcv_nxt − copied_seq`, and reading the end of the stream increments `copied_seq` (net/ipv4/tcp.c, tcp_recvmsg).
 * @param facts null when the holder could not be looked at: then the queues alone tell
 */
export function findCloseWaitCause(
  queues: CloseWaitQueues,
  facts: ProcessFacts | null,
): CauseFound {
  const endRead = queues.endRead > queues.finUnread + queues.dataUnread;
  const threads = facts?.threads.kind === 'ok' ? facts.threads.value.threads : [];
  const blocked = blockedHandler(threads, queues, facts);
  const doing = endRead
    ? afterTheEnd(threads, blocked, queues, facts)
    : beforeTheEnd(threads, blocked, queues, facts);
  return doing ?? fromQueuesAlone(queues, endRead, facts);
}

/** The program has read everything, up to the FIN (a read that takes the last data takes the FIN with it), and did not call close. */
function afterTheEnd(
  threads: readonly ThreadActivity[],
  blocked: string | null,
  queues: CloseWaitQueues,
  facts: ProcessFacts | null,
): CauseFound | null {
  const busy = threads.find(isBusy);
  // A loop that reads nothing again and again spends its time in the kernel, too.
  if (busy !== undefined && !isMostlyKernel(busy)) return spinning(busy);
  if (busy !== undefined) {
    return {
      cause: 'eof-ignored',
      why: `it has read all that its peer sent (Recv-Q 0), did not close, and asks again and again: thread ${threadLabel(busy)} uses ${percentBusy(busy)} of a processor`,
    };
  }
  if (blocked !== null) {
    return {
      cause: 'blocked-elsewhere',
      why: `it has read all that its peer sent (Recv-Q 0), but before it calls close ${blocked}`,
    };
  }
  if (goesOn(threads, queues)) {
    return {
      cause: 'close-skipped',
      why: `it has read all that its peer sent (Recv-Q 0) and went on without calling close${wentOnText(queues)}`,
    };
  }
  const locked = lockedOutOrIdle(threads, queues, facts);
  if (locked !== null) return locked;
  const accepting = threads.find(isAccepting);
  if (accepting !== undefined) {
    return {
      cause: 'close-skipped',
      why: `it has read all that its peer sent (Recv-Q 0) and went back to accept (thread ${threadLabel(accepting)}) without calling close`,
    };
  }
  return null;
}

/** The program has not read as far as the FIN. */
function beforeTheEnd(
  threads: readonly ThreadActivity[],
  blocked: string | null,
  queues: CloseWaitQueues,
  facts: ProcessFacts | null,
): CauseFound | null {
  const busy = threads.find(isBusy);
  if (busy !== undefined) return spinning(busy);
  if (blocked !== null) {
    return {
      cause: 'blocked-elsewhere',
      why: `the peer's FIN is unread, because ${blocked}`,
    };
  }
  if (goesOn(threads, queues)) return leftBehind(queues);
  const locked = lockedOutOrIdle(threads, queues, facts);
  if (locked !== null) return locked;
  const accepting = threads.find(isAccepting);
  if (accepting !== undefined) {
    return {
      cause: 'close-skipped',
      why: `the handler has ended without reading to the end and without close: thread ${threadLabel(accepting)} is back in accept (an exception on the way is the usual reason)`,
    };
  }
  return notWatched(threads, queues, facts);
}

/** The program has used a connection, did not read up to the FIN, and turned to something else. */
function leftBehind(queues: CloseWaitQueues): CauseFound {
  return queues.dataUnread > queues.finUnread
    ? {
        cause: 'data-abandoned',
        why: `the rest of the answer lies unread before the FIN (Recv-Q > 1): the program went on without reading it and without calling close${wentOnText(queues)}`,
      }
    : {
        cause: 'close-skipped',
        why: `all but the peer's FIN was read (Recv-Q 1), and the program went on without calling close${wentOnText(queues)}`,
      };
}

/** Whether a client uses connections one after the other; an event loop is judged by what it watches. */
function goesOn(threads: readonly ThreadActivity[], queues: CloseWaitQueues): boolean {
  if (!queues.isClient || threads.some(isEventLoop)) return false;
  return (
    queues.wentOn !== null ||
    // A client that sleeps waits for nothing: it has gone on already.
    threads.some(
      (thread) => isSleeping(thread) || (waitOf(thread, true) !== null && !isStuck(thread)),
    )
  );
}

function wentOnText({ wentOn }: CloseWaitQueues): string {
  return wentOn === null ? '' : `: ${wentOn}`;
}

function spinning(busy: ThreadActivity): CauseFound {
  return {
    cause: 'spinning',
    why: `thread ${threadLabel(busy)} uses ${percentBusy(busy)} of a processor and does not come back to the socket`,
  };
}

function isMostlyKernel({ cpu }: ThreadActivity): boolean {
  return cpu !== null && cpu.system >= KERNEL_SHARE * (cpu.user + cpu.system);
}

function notWatched(
  threads: readonly ThreadActivity[],
  queues: CloseWaitQueues,
  facts: ProcessFacts | null,
): CauseFound | null {
  if (facts?.watched.kind !== 'ok') return null;
  const watch = facts.watched.value;
  if (!threads.some(isEventLoop) || !watch.complete) return null;
  const muted = new Set(watch.muted);
  const paused = queues.fds.filter((fd) => muted.has(fd)).length;
  if (paused * 2 > queues.fds.length) {
    return {
      cause: 'not-reading',
      why: 'reading is paused: the descriptors are registered with epoll, but not for input',
    };
  }
  const watched = new Set(watch.fds);
  const unwatched = queues.fds.filter((fd) => !watched.has(fd)).length;
  if (unwatched === 0 && facts.runtime === 'node') return inInnerLoop(threads, facts.pid);
  if (unwatched * 2 <= queues.fds.length) return null;
  // libuv takes a descriptor out of epoll when reading stops.
  if (facts.runtime === 'node') {
    return {
      cause: 'not-reading',
      why: 'the event loop waits, but not for these sockets: they are paused, or nothing consumes their data',
    };
  }
  return {
    cause: 'not-watched',
    why: `its event loop waits in epoll, but ${queues.fds.length === 1 ? 'this descriptor was' : `${unwatched} of these ${queues.fds.length} descriptors were`} never registered there, so it cannot learn of the FIN`,
  };
}

/**
 * libuv watches level-triggered: a loop that waits for sockets which have something to read does not stay in its call. Who does,
 * waits with another epoll instance, as execSync() and spawnSync() do for their child.
 */
function inInnerLoop(threads: readonly ThreadActivity[], pid: number): CauseFound | null {
  const main = threads.find(({ tid }) => tid === pid);
  if (main === undefined || !isEventLoop(main) || !isStuck(main) || main.samples < 2) return null;
  return {
    cause: 'blocked-elsewhere',
    why: `the peer's FIN is unread: the event loop that watches for it stands still, because thread ${threadLabel(main)} waits for other events, as execSync() and spawnSync() do for their child`,
  };
}

function fromQueuesAlone(
  queues: CloseWaitQueues,
  endRead: boolean,
  facts: ProcessFacts | null,
): CauseFound {
  if (endRead) {
    const node =
      facts?.runtime === 'node'
        ? " (in Node: data that nobody consumes, so that 'end' never comes, or allowHalfOpen without end())"
        : '';
    return {
      cause: 'eof-ignored',
      why: `it has read all that its peer sent (Recv-Q 0) and never called close${node}`,
    };
  }
  if (queues.dataUnread > queues.finUnread) {
    return {
      cause: 'data-abandoned',
      why: 'data that the peer sent lies unread before its FIN (Recv-Q > 1): the program has stopped reading',
    };
  }
  return {
    cause: 'not-reading',
    why: "only the peer's FIN is unread (Recv-Q 1): the program does not read the socket any more",
  };
}

/**
 * What keeps the handlers from their sockets. A thread that sleeps beside an event loop or an accept loop may be anything, so
 * it counts only if there are as many such threads as sockets, or nobody else who could serve them. One that wakes up again
 * and again is not blocked, and neither is who has gone on since.
 */
function blockedHandler(
  threads: readonly ThreadActivity[],
  queues: CloseWaitQueues,
  facts: ProcessFacts | null,
): string | null {
  const served = threads.some(isAccepting) || threads.filter(isEventLoop).length > idleLoops(facts);
  const blocked = threads
    .filter(isStuck)
    .map((thread) => blockedElsewhere(thread, queues, thread.tid === facts?.pid && !served))
    .filter((reason) => reason !== null);
  if (blocked.length === 0) return null;
  if (blocked.length >= socketsOf(queues)) return blocked[0];
  return served || queues.wentOn !== null ? null : blocked[0];
}

/** Node's platform has a thread in a loop that has timers only: src/node_platform.cc, DelayedTaskScheduler. */
function idleLoops(facts: ProcessFacts | null): number {
  return facts?.runtime === 'node' ? 1 : 0;
}

/**
 * What a thread waits for that is no event of its sockets; null for idle threads of a pool and for event loops.
 * @param isAlone whether it is the first thread, and no other serves: then it cannot be idle
 */
function blockedElsewhere(
  thread: ThreadActivity,
  queues: CloseWaitQueues,
  isAlone: boolean,
): string | null {
  const target = mainCall(thread)?.target ?? null;
  return target !== null && queues.healthy.has(target)
    ? null
    : waitOf(thread, isAlone, queues.describeTarget);
}
