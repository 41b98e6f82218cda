import type { TcpState } from '@lastack/core';

/** What one socket went through. */
export interface SocketHistory {
  readonly localPort: number;
  readonly remotePort: number;
  readonly states: readonly StateSeen[];
}

export interface StateSeen {
  readonly state: TcpState;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

/** Collects what is seen of sockets, by their cookies. */
export interface HistoryBook {
  /** A change of state; ports that are not known yet, or no more, are 0. */
  add(cookie: number, change: StateSeen & Ports): void;
  /** What a dump shows: the kernel keeps TIME-WAIT and a FIN-WAIT-2 without holder after the socket is CLOSED for a tracer. */
  confirm(cookie: number, look: StateSeen & Ports): void;
  /** A dump without them: those that dumps have shown are gone. */
  missing(present: ReadonlySet<number>, atMs: number): void;
  histories(): readonly SocketHistory[];
}

interface Ports {
  readonly localPort: number;
  readonly remotePort: number;
}

interface Entry {
  localPort: number;
  remotePort: number;
  readonly states: StateSeen[];
}

export function openHistoryBook(): HistoryBook {
  const sockets = new Map<number, Entry>();
  const dumped = new Set<number>();
  const open = (cookie: number, { localPort, remotePort }: Ports) => {
    let socket = sockets.get(cookie);
    if (socket === undefined) {
      socket = { localPort, remotePort, states: [] };
      sockets.set(cookie, socket);
    }
    if (localPort !== 0) socket.localPort = localPort;
    if (remotePort !== 0) socket.remotePort = remotePort;
    return socket;
  };
  const append = (states: StateSeen[], { state, atMs }: StateSeen) => {
    if (states.at(-1)?.state !== state) states.push({ state, atMs });
  };
  return {
    add: (cookie, change) => append(open(cookie, change).states, change),
    confirm(cookie, look) {
      const { states } = open(cookie, look);
      dumped.add(cookie);
      const closed = states.at(-1);
      if (closed?.state !== 'CLOSED') {
        append(states, look);
        return;
      }
      states.pop();
      append(states, { state: look.state, atMs: closed.atMs });
    },
    missing(present, atMs) {
      for (const cookie of dumped) {
        if (present.has(cookie)) continue;
        dumped.delete(cookie);
        append(sockets.get(cookie)?.states ?? [], { state: 'CLOSED', atMs });
      }
    },
    histories: () => [...sockets.values()].filter(({ remotePort }) => remotePort !== 0),
  };
}
