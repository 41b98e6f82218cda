import { seen, unavailable, type Observation } from '@lastack/core';

/** What decides whether SIGUSR1 opens the inspector of a process, or does it harm. */
export interface GateFacts {
  readonly pid: number;
  /** The executable's symbols are Node's. */
  readonly isNode: boolean;
  /** SIGUSR1 is in SigCgt: without a handler it would end the process. */
  readonly catchesUsr1: boolean;
  /** A thread waits for SIGUSR1 with the signal mask of the inspector's. */
  readonly hasInspectorThread: boolean;
  /** Signals that the program itself handles through libuv. */
  readonly userSignals: Observation<readonly number[]>;
  /** Workers of its cluster, or children that may be: Node passes the order to open the inspector on to them. */
  readonly clusterWorkers: readonly number[];
}

export const SIGUSR1 = 10;

/** What to do about a process that must not be signalled. */
export const RESTART =
  'restart it with --inspect=127.0.0.1:9230 (or another free port), or start it with `lastack run`';

/**
 * Decides whether a process may get SIGUSR1: only if every fact says that Node's own inspector will answer it. What is not
 * known counts as no.
 */
export function decideGate(facts: GateFacts): Observation<'safe'> {
  const process = `process ${facts.pid}`;
  if (!facts.isNode) {
    return unavailable(
      `${process} does not show Node's symbols: it is another program, or a stripped Node`,
      `if it is Node, ${RESTART}`,
    );
  }
  if (!facts.catchesUsr1) {
    return unavailable(`${process} does not handle SIGUSR1: the signal would end it`, RESTART);
  }
  if (!facts.hasInspectorThread) {
    return unavailable(
      `${process} has no inspector that waits for SIGUSR1 (--disable-sigusr1 or the permission model)`,
      RESTART,
    );
  }
  if (facts.userSignals.kind !== 'ok') return facts.userSignals;
  if (facts.userSignals.value.includes(SIGUSR1)) {
    return unavailable(
      `${process} handles SIGUSR1 itself: the signal would run its code, not the inspector`,
      RESTART,
    );
  }
  if (facts.clusterWorkers.length > 0) {
    const workers = facts.clusterWorkers.join(', ');
    return unavailable(
      `${process} is the primary of a cluster: it would open the inspector of its workers, too (${workers})`,
      `attach to the worker that holds the socket: --pid ${facts.clusterWorkers[0]}`,
    );
  }
  return seen('safe');
}
