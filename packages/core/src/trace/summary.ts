import { TCP_STATES, type TcpState } from '../tcp/state.ts';
import type { Cause } from './cause.ts';
import type { ObservedTransition } from './follower.ts';

/** How long connections were in a state, ms: nearest-rank percentiles of those whose beginning was seen. */
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

/** Counts transitions; a time in state is kept for each, four bytes apiece. */
export interface Summarizer {
  add(transition: ObservedTransition): void;
  result(): TraceSummary;
}

export function createSummarizer(): Summarizer {
  const changes = new Map<string, { from: TcpState | null; to: TcpState; count: number }>();
  const endings = new Map<Cause, number>();
  const times = new Map<TcpState, number[]>();
  const closedFirst = { local: 0, remote: 0 };
  let transitions = 0;
  let forbidden = 0;
  return { add, result };

  function add({
    from,
    to,
    fromMs,
    cause,
    closedFirst: closer,
    isAllowed,
  }: ObservedTransition): void {
    transitions++;
    if (!isAllowed) forbidden++;
    const key = `${from} ${to}`;
    const change = changes.get(key);
    if (change === undefined) changes.set(key, { from, to, count: 1 });
    else change.count++;
    if (from !== null && fromMs !== null) {
      const list = times.get(from);
      if (list === undefined) times.set(from, [fromMs]);
      else list.push(fromMs);
    }
    if (to !== 'CLOSED' && to !== 'TIME-WAIT') return;
    if (from === 'LISTEN') return;
    endings.set(cause, (endings.get(cause) ?? 0) + 1);
    if (closer !== null) closedFirst[closer]++;
  }

  function result(): TraceSummary {
    return {
      transitions,
      changes: [...changes.values()].toSorted((a, b) => b.count - a.count),
      times: TCP_STATES.flatMap((state) => {
        const list = times.get(state);
        return list === undefined ? [] : [timeOf(state, list)];
      }),
      closedFirst,
      endings: [...endings]
        .map(([cause, count]) => ({ cause, count }))
        .toSorted((a, b) => b.count - a.count),
      forbidden,
    };
  }
}

function timeOf(state: TcpState, list: readonly number[]): TimeInState {
  const sorted = Float64Array.from(list).toSorted();
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  return {
    state,
    count: sorted.length,
    medianMs: rank(0.5),
    p99Ms: rank(0.99),
    maxMs: rank(1),
  };
}
