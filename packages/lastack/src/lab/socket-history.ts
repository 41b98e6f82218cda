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

interface Ports {
  readonly localPort: number;
  readonly remotePort: number;
}

/** Collects what is seen of sockets, by their cookies. */
export interface HistoryBook {
  /** A state that the socket has, or has come to; ports that are not known yet, or no more, are 0. */
  add(cookie: number, seen: StateSeen & Ports): void;
  /**
   * A state that the socket has after it is CLOSED for a tracer: the kernel goes on with a smaller one, of the same cookie,
   * in TIME-WAIT and in a FIN-WAIT-2 that no program holds (tcp_time_wait()).
   */
  addAfter(cookie: number, seen: StateSeen & Ports): void;
  /** Those that dumps have shown, and that this one does not, are gone. */
  retain(cookies: ReadonlySet<number>, atMs: number): void;
  histories(): readonly SocketHistory[];
}

interface Entry {
  localPort: number;
  remotePort: number;
  readonly states: StateSeen[];
  readonly after: StateSeen[];
}

export interface HistoryOptions {
  /** Whether `add()` gets every change, of a trace; else what dumps show. */
  readonly isTraced: boolean;
  /** Connections to and from other ports are left out: a host may have many. */
  readonly port: number;
}

export function openHistoryBook({ isTraced, port }: HistoryOptions): HistoryBook {
  const sockets = new Map<number, Entry>();
  const dumped = new Set<number>();
  const open = (cookie: number, { localPort, remotePort }: Ports): Entry | null => {
    let socket = sockets.get(cookie);
    if (socket === undefined) {
      if (localPort !== port && remotePort !== port) return null;
      socket = { localPort, remotePort, states: [], after: [] };
      sockets.set(cookie, socket);
    }
    if (localPort !== 0) socket.localPort = localPort;
    if (remotePort !== 0) socket.remotePort = remotePort;
    return socket;
  };
  return {
    add(cookie, seen) {
      const socket = open(cookie, seen);
      if (socket === null) return;
      append(socket.states, seen);
      if (!isTraced) dumped.add(cookie);
    },
    addAfter(cookie, seen) {
      const socket = open(cookie, seen);
      if (socket === null) return;
      append(socket.after, seen);
      dumped.add(cookie);
    },
    retain(cookies, atMs) {
      for (const cookie of dumped) {
        const socket = sockets.get(cookie);
        if (cookies.has(cookie) || socket === undefined) continue;
        dumped.delete(cookie);
        append(isTraced ? socket.after : socket.states, { state: 'CLOSED', atMs });
      }
    },
    histories: () =>
      [...sockets.values()]
        .filter(({ remotePort }) => remotePort !== 0)
        .map(({ localPort, remotePort, states, after }) => ({
          localPort,
          remotePort,
          states: joined(states, after),
        })),
  };
}

function append(states: StateSeen[], { state, atMs }: StateSeen): void {
  if (states.at(-1)?.state !== state) states.push({ state, atMs });
}

/** What comes after CLOSED stands in its place. */
function joined(states: readonly StateSeen[], after: readonly StateSeen[]): StateSeen[] {
  const closed = states.at(-1);
  if (closed?.state !== 'CLOSED' || after.length === 0) return [...states];
  const all = states.slice(0, -1);
  // The first of them began when the tracer saw CLOSED.
  for (const [at, seen] of after.entries())
    append(all, at === 0 ? { ...seen, atMs: closed.atMs } : seen);
  return all;
}
