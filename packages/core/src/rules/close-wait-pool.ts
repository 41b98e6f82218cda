import type { ProcessFacts, ThreadActivity } from '../evidence/process-facts.ts';
import { socketsOf, type CauseFound, type CloseWaitQueues } from './close-wait-queues.ts';
import { FUTEX_MEANS, isAccepting, isEventLoop, mainCall } from './threads.ts';
import { counted } from './wording.ts';

/** A single thread that waits beside an accept loop is hardly a pool. */
const LEAST_POOL = 2;

/**
 * Handlers in threads that wait for a lock look like the idle threads of a pool. Both are named; as many as there are
 * connections are taken for handlers. The threads of Node and Go say nothing: no handler has one of its own.
 */
export function lockedOutOrIdle(
  threads: readonly ThreadActivity[],
  queues: CloseWaitQueues,
  facts: ProcessFacts | null,
): CauseFound | null {
  if (facts?.threads.kind !== 'ok' || facts.runtime === 'node' || facts.runtime === 'go') {
    return null;
  }
  const others = threads.filter(({ tid }) => tid !== facts.pid);
  const seen = others.filter((thread) => mainCall(thread)?.name === 'futex').length;
  // Those that were not looked at are like the others, if these are all alike.
  const alike = others.filter((thread) => !isAccepting(thread) && !isEventLoop(thread)).length;
  const waiting = seen + (seen === alike ? facts.threads.value.omitted : 0);
  if (seen === 0) return null;
  const threadsWait = `${counted(waiting, 'thread waits', 'threads wait')} in futex (${FUTEX_MEANS})`;
  if (waiting < socketsOf(queues)) {
    return threads.some(isAccepting) ? takenPool(waiting, threadsWait, queues) : null;
  }
  return waiting <= queues.connections
    ? {
        cause: 'blocked-elsewhere',
        why: `${threadsWait}, and the service has ${counted(queues.connections, 'connection')}: handlers that wait there; or, if those are the idle threads of a pool, the handlers have ended without calling close`,
      }
    : {
        cause: 'unknown',
        why: `either the handlers have ended without calling close, or they wait: ${threadsWait}, which are idle threads of a pool or handlers`,
      };
}

/**
 * A pool may have fewer threads than there are sockets: while all of them are taken, nobody begins with the rest. More that were
 * begun than threads that wait show that handlers have ended; just as many, that none has.
 */
function takenPool(
  waiting: number,
  threadsWait: string,
  queues: CloseWaitQueues,
): CauseFound | null {
  const { begun } = queues;
  if (begun > waiting || (begun < waiting && waiting < LEAST_POOL)) return null;
  const unread = `the other ${counted(socketsOf(queues) - begun, 'connection')} may not have been begun`;
  return begun === waiting && waiting >= LEAST_POOL
    ? {
        cause: 'blocked-elsewhere',
        why: `${threadsWait}, just as many connections were read from, and ${unread}: all threads of a pool are taken by handlers that wait`,
      }
    : {
        cause: 'unknown',
        why: `either the handlers have ended without calling close, or all threads of a pool are taken by handlers that wait: ${threadsWait}, and ${unread}`,
      };
}
