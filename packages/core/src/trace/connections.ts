import type { ObservedTransition } from './follower.ts';

/** Puts the transitions of both ends of a connection together, where both are on this host. */
export interface Connections {
  /** @returns the connection, in the order of its transitions, once every end that was seen is over */
  add(transition: ObservedTransition): readonly ObservedTransition[] | null;
  /** Those that are not over, the oldest first. */
  unfinished(): readonly (readonly ObservedTransition[])[];
}

export function createConnections(): Connections {
  const connections = new Map<string, ObservedTransition[]>();
  /** connect() changes the state before the local port is chosen: kept until the next change tells it. */
  const calling = new Map<number, ObservedTransition>();
  return { add, unfinished: () => [...connections.values()] };

  function add(transition: ObservedTransition): readonly ObservedTransition[] | null {
    const { socket, from, to, local } = transition;
    if (to === 'LISTEN' || (from === 'LISTEN' && to === 'CLOSED')) return null;
    if (local.port === 0) {
      calling.set(socket, { ...transition });
      return null;
    }
    const key = keyOf(transition);
    const seen = connections.get(key) ?? [];
    connections.set(key, seen);
    const call = calling.get(socket);
    calling.delete(socket);
    if (call !== undefined) {
      const { remote } = transition;
      seen.push({ ...call, local, remote });
    }
    seen.push({ ...transition });
    if (!isOver(seen)) return null;
    connections.delete(key);
    return seen.toSorted((a, b) => a.atMs - b.atMs);
  }
}

/** The same for both ends, also where one of them is IPv6 and the other IPv4. */
function keyOf({ netns, local, remote }: ObservedTransition): string {
  const ends = [local, remote].map(
    ({ address, port }) => `${address.replace(/^::ffff:(?=\d+\.)/, '')} ${port}`,
  );
  return `${netns} ${ends.toSorted().join(' ')}`;
}

function isOver(seen: readonly ObservedTransition[]): boolean {
  const last = new Map(seen.map(({ socket, to }) => [socket, to]));
  return [...last.values()].every((to) => to === 'CLOSED' || to === 'TIME-WAIT');
}
