import type { TcpState } from '@lastack/core';
import type { ExpectedStates } from './expected-states.ts';
import type { ObservedPath, SideResult } from './result.ts';
import type { Side } from './scenario.ts';
import type { SocketHistory } from './socket-history.ts';

/** What was seen of one side, and how. */
export interface StatesSeen {
  readonly histories: readonly SocketHistory[];
  readonly port: number;
  readonly startedAt: number;
  /** Every change was traced; else states that lasted shorter than a look may be missing. */
  readonly isComplete: boolean;
}

/** Compares the states that every connection of a side went through with those that it must go through. */
export function compareStates(side: Side, expected: ExpectedStates, seen: StatesSeen): SideResult {
  const observed = pathsOf(side, seen);
  const wanted = asLinux(expected.states);
  const agrees = observed.every(({ states }) => {
    const path = states.map(({ state }) => state);
    return seen.isComplete ? path.join() === wanted.join() : isPartOf(path, wanted);
  });
  // A side that came and went between two looks was not seen.
  const mayBeMissing = !seen.isComplete && wanted.at(-1) === 'CLOSED';
  return {
    side,
    expected: expected.states,
    source: expected.source,
    observed,
    agrees: agrees && (observed.length > 0 || mayBeMissing),
  };
}

function pathsOf(side: Side, { histories, port, startedAt }: StatesSeen): ObservedPath[] {
  const paths = new Map<string, { count: number; states: ObservedPath['states'] }>();
  for (const { localPort, remotePort, states } of histories) {
    if ((side === 'server' ? localPort : remotePort) !== port) continue;
    const key = states.map(({ state }) => state).join();
    const path = paths.get(key);
    if (path !== undefined) path.count += 1;
    else {
      const since = states.map(({ state, atMs }) => ({
        state,
        atMs: Math.round(atMs - startedAt),
      }));
      paths.set(key, { count: 1, states: since });
    }
  }
  return [...paths.values()].toSorted((a, b) => b.count - a.count);
}

/**
 * Of a FIN that acknowledges ours too, RFC 9293 says FIN-WAIT-1 → TIME-WAIT; Linux takes the acknowledgement first and goes
 * through FIN-WAIT-2.
 */
function asLinux(states: readonly TcpState[]): readonly TcpState[] {
  return states.flatMap((state, at) =>
    state === 'FIN-WAIT-1' && states[at + 1] === 'TIME-WAIT' ? [state, 'FIN-WAIT-2'] : [state],
  );
}

/** What was seen comes in the expected order, and ends where that ends. */
function isPartOf(path: readonly TcpState[], wanted: readonly TcpState[]): boolean {
  let at = -1;
  for (const state of path) {
    at = wanted.indexOf(state, at + 1);
    if (at === -1) return false;
  }
  return path.at(-1) === wanted.at(-1);
}
