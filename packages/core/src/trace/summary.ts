import { TCP_STATES, type TcpState } from '../tcp/state.ts';
import type { Cause } from './cause.ts';
import { createDurations, type Durations } from './durations.ts';
import type { ObservedTransition } from './follower.ts';

/** How long connections were in a state, ms: percentiles (at most 0.8 % too high) of those whose beginning was seen. */
export interface TimeInState {
  readonly state: TcpState;
  readonly count: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface TraceSummary {
  readonly transitions: number;
  /** How often each change was seen, the most frequent first. */
  readonly changes: readonly {
    readonly from: TcpState | null;
    readonly to: TcpState;
    readonly count: number;
  }[];
  readonly times: readonly TimeInState[];
  /** Connections by the side that sent the first FIN. */
  readonly closedFirst: { readonly local: number; readonly remote: number };
  /** How connections ended that reached CLOSED or TIME-WAIT. */
  readonly endings: readonly { readonly cause: Cause; readonly count: number }[];
  /** Changes that RFC 9293 does not have. */
  readonly forbidden: number;
}

/** Counts transitions, in a room that does not grow. */
export interface Summarizer {
  add(transition: ObservedTransition): void;
  result(): TraceSummary;
}

interface Change {
  readonly from: TcpState | null;
  readonly to: TcpState;
  count: number;
}

export function createSummarizer(): Summarizer {
  const changes = new Map<TcpState | null, Map<TcpState, Change>>();
  const endings = new Map<Cause, number>();
  const times = new Map<TcpState, Durations>();
  const closedFirst = { local: 0, remote: 0 };
  let transitions = 0;
  let forbidden = 0;
  return { add, result };

  function add(transition: ObservedTransition): void {
    const { from, to, fromMs, isAllowed } = transition;
    transitions++;
    if (!isAllowed) forbidden++;
    changeOf(from, to).count++;
    if (from !== null && fromMs !== null) timesIn(from).add(fromMs);
    if ((to === 'CLOSED' || to === 'TIME-WAIT') && from !== 'LISTEN') end(transition);
  }

  function end({ cause, closedFirst: closer }: ObservedTransition): void {
    endings.set(cause, (endings.get(cause) ?? 0) + 1);
    if (closer !== null) closedFirst[closer]++;
  }

  function changeOf(from: TcpState | null, to: TcpState): Change {
    let row = changes.get(from);
    if (row === undefined) changes.set(from, (row = new Map()));
    let change = row.get(to);
    if (change === undefined) row.set(to, (change = { from, to, count: 0 }));
    return change;
  }

  function timesIn(state: TcpState): Durations {
    let durations = times.get(state);
    if (durations === undefined) times.set(state, (durations = createDurations()));
    return durations;
  }

  function result(): TraceSummary {
    return {
      transitions,
      changes: [...changes.values()]
        .flatMap((row) => [...row.values()])
        .toSorted((a, b) => b.count - a.count),
      times: TCP_STATES.flatMap((state) => {
        const durations = times.get(state);
        return durations === undefined ? [] : [timeIn(state, durations)];
      }),
      closedFirst,
      endings: [...endings]
        .map(([cause, count]) => ({ cause, count }))
        .toSorted((a, b) => b.count - a.count),
      forbidden,
    };
  }
}

function timeIn(state: TcpState, durations: Durations): TimeInState {
  return {
    state,
    count: durations.count(),
    medianMs: durations.at(0.5),
    p99Ms: durations.at(0.99),
    maxMs: durations.at(1),
  };
}
