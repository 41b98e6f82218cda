import { TRANSITIONS, type TcpState } from '@lastack/core';

/** Ways into or out of a state that have the same cause and the same answer. */
export interface Way {
  /** `close() or shutdown(WR)` */
  readonly on: string;
  readonly sends: string | null;
  /** The states at the other end of the arrows. */
  readonly states: readonly TcpState[];
  /** Where it is written. */
  readonly sources: readonly string[];
}

/** How one gets into a state, by RFC 9293's diagram and Linux. */
export function waysInto(state: TcpState): Way[] {
  return gather(
    TRANSITIONS.filter(({ to }) => to === state).map(({ from, ...arrow }) => ({
      ...arrow,
      other: from,
    })),
  );
}

/** How one gets out of it. */
export function waysOutOf(state: TcpState): Way[] {
  return gather(
    TRANSITIONS.filter(({ from }) => from === state).map(({ to, ...arrow }) => ({
      ...arrow,
      other: to,
    })),
  );
}

interface HalfArrow {
  readonly other: TcpState;
  readonly on: string;
  readonly sends: string | null;
  readonly source: string;
}

/** First by cause, then causes that lead to the same states. */
function gather(arrows: readonly HalfArrow[]): Way[] {
  const byCause = group(arrows, ({ on, sends }) => `${on} ${sends}`).map((same) => ({
    on: same[0].on,
    sends: same[0].sends,
    states: same.map(({ other }) => other),
    sources: [...new Set(same.map(({ source }) => source))],
  }));
  return group(byCause, ({ sends, sources, states }) =>
    [sends, ...sources, ...states].join(' '),
  ).map((same) => ({ ...same[0], on: same.map(({ on }) => on).join(' or ') }));
}

function group<T>(items: readonly T[], keyOf: (item: T) => string): [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const same = groups.get(key);
    if (same === undefined) groups.set(key, [item]);
    else same.push(item);
  }
  return [...groups.values()];
}
