import { stateOfKernel, type TcpState } from '../tcp/state.ts';
import { arrowOf, causeOf, isMadeByCaller, type Arrow, type Cause } from './cause.ts';
import { endpointsOf, type Endpoints } from './endpoints.ts';
import { createListeners, type ListenPlace } from './listeners.ts';
import type { TracedProcess, TraceRecord } from './trace-record.ts';

/** A socket that was there before the trace. */
export interface KnownSocket {
  readonly state: TcpState;
  /** Null where nobody's, or where several processes hold it. */
  readonly holder: TracedProcess | null;
  /** Where a LISTEN socket is bound; null for others. */
  readonly listensAt: ListenPlace | null;
}

/** One change of state of one connection. The object is the same each time: copy what you keep. */
export interface ObservedTransition extends Endpoints {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** The cookie, or 0 where the source knows none. */
  readonly socket: number;
  readonly netns: number | null;
  /** Null where the source does not say. */
  readonly from: TcpState | null;
  readonly to: TcpState;
  /** How long it was in `from`, or null when the trace began later. */
  readonly fromMs: number | null;
  readonly cause: Cause;
  /** The process whose system call made the change; null where none did, or the kernel does not say. */
  readonly process: TracedProcess | null;
  /** Who opened it, listens for it, or held it when the trace began; null where that may be one of several processes. */
  readonly holder: TracedProcess | null;
  /** Which side sent the first FIN, once one has. */
  readonly closedFirst: 'local' | 'remote' | null;
  /** Bytes so far that the peer has acknowledged, and that have arrived; null where not known. */
  readonly acked: number | null;
  readonly received: number | null;
  /** False: RFC 9293 has no such change; lastack or the kernel is wrong. */
  readonly isAllowed: boolean;
}

/** Follows sockets by their cookies, and turns records into transitions; pure but for its memory. */
export interface Follower {
  /** Null where the record changes nothing that a user would call a state. */
  readonly follow: (record: TraceRecord) => ObservedTransition | null;
  /** Sockets that are being followed. */
  readonly size: () => number;
}

export interface FollowerOptions {
  /** Sockets by cookie, as they were when the trace began. */
  readonly known?: ReadonlyMap<number, KnownSocket>;
  /** Whether another process holds sockets of this one, so that it may take its connections. */
  readonly isShared?: (pid: number) => boolean;
}

interface Followed {
  state: TcpState;
  sinceMs: number | null;
  holder: TracedProcess | null;
  closedFirst: 'local' | 'remote' | null;
  endpoints: Endpoints | null;
}

export function createFollower({
  known = new Map(),
  isShared = () => false,
}: FollowerOptions = {}): Follower {
  const followed = new Map<number, Followed>();
  const listeners = createListeners(isShared);
  for (const [socket, { state, holder, listensAt }] of known) {
    followed.set(socket, { state, sinceMs: null, holder, closedFirst: null, endpoints: null });
    if (listensAt !== null) listeners.add(listensAt, holder);
  }
  const transition = emptyTransition();
  return { follow, size: () => followed.size };

  function follow(record: TraceRecord): ObservedTransition | null {
    if (record.from === NOT_SAID) return ending(record);
    const from = stateOfKernel(record.from);
    const to = nextState(from, record);
    if (to === from) {
      // The kernel keeps an orphan in FIN-WAIT-2 without its socket, and says nothing of it any more.
      if (record.to !== record.from) followed.delete(record.socket);
      return null;
    }
    const arrow = arrowOf(from, to);
    const isNew = from === 'CLOSED' || (from === 'LISTEN' && to !== 'CLOSED');
    // A source without cookies may use the name of a socket that is gone again.
    const socket = (isNew ? undefined : followed.get(record.socket)) ?? begin(record.socket);
    const hasTime = socket.sinceMs !== null && socket.state === from;
    const fromMs = hasTime ? record.atMs - (socket.sinceMs ?? 0) : null;
    const { local, remote } = locate(socket, record);
    const cause = causeOf(arrow, record);
    const process = isMadeByCaller(arrow, cause) ? record.running : null;
    if (isNew) socket.holder = process ?? holderOfNew(from, record);
    if (to === 'LISTEN') listeners.add(record, process);
    else if (from === 'LISTEN' && to === 'CLOSED')
      listeners.remove({ ...placeOf(record), localPort: local.port });
    socket.closedFirst ??= firstCloser(arrow);
    socket.state = to;
    // A server's SYN-RECEIVED has no socket: the kernel makes it when the handshake is over, and announces both states then.
    socket.sinceMs = from === 'LISTEN' ? null : record.atMs;
    if (to === 'CLOSED' || to === 'TIME-WAIT') followed.delete(record.socket);
    transition.atMs = record.atMs;
    transition.socket = record.socket;
    transition.netns = record.netns;
    transition.local = local;
    transition.remote = remote;
    transition.from = from;
    transition.to = to;
    transition.fromMs = fromMs;
    transition.cause = cause;
    transition.process = process;
    transition.holder = socket.holder;
    transition.closedFirst = socket.closedFirst;
    transition.acked = record.acked;
    transition.received = record.received;
    transition.isAllowed = arrow.isAllowed;
    return transition;
  }

  function holderOfNew(from: TcpState, record: TraceRecord): TracedProcess | null {
    return from === 'LISTEN' ? listeners.holderFor(record) : null;
  }

  function ending(record: TraceRecord): ObservedTransition {
    const before = followed.get(record.socket);
    followed.delete(record.socket);
    return {
      ...endpointsOf(record),
      atMs: record.atMs,
      socket: record.socket,
      netns: record.netns,
      from: null,
      to: 'CLOSED',
      fromMs: null,
      cause: 'unknown',
      process: null,
      holder: before?.holder ?? null,
      closedFirst: null,
      acked: null,
      received: null,
      isAllowed: true,
    };
  }

  function begin(name: number): Followed {
    const socket: Followed = {
      state: 'CLOSED',
      sinceMs: null,
      holder: null,
      closedFirst: null,
      endpoints: null,
    };
    if (name !== 0) followed.set(name, socket);
    return socket;
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Written again for each record: a hundred thousand a second would keep the garbage collector busy. */
function emptyTransition(): Writable<ObservedTransition> {
  const nowhere = { address: '', port: 0 };
  return {
    atMs: 0,
    socket: 0,
    netns: null,
    local: nowhere,
    remote: nowhere,
    from: null,
    to: 'CLOSED',
    fromMs: null,
    cause: 'unknown',
    process: null,
    holder: null,
    closedFirst: null,
    acked: null,
    received: null,
    isAllowed: true,
  };
}

/** What a source that knows no states before gives as one. */
const NOT_SAID = 0;

/** The local port is chosen after connect() has changed the state, and given back before the last change. */
function locate(socket: Followed, record: TraceRecord): Endpoints {
  const port = socket.endpoints?.local.port ?? 0;
  const isCurrent = record.localPort === port || (record.localPort === 0 && port !== 0);
  if (socket.endpoints === null || !isCurrent) socket.endpoints = endpointsOf(record);
  return socket.endpoints;
}

/** The kernel closes the socket when it hands a connection on to TIME-WAIT, or an orphan's FIN-WAIT-2, without it. */
function nextState(from: TcpState, { to, error, finReceived, orphaned }: TraceRecord): TcpState {
  const state = stateOfKernel(to);
  if (state !== 'CLOSED' || (error !== null && error !== 0)) return state;
  if (from === 'CLOSING') return 'TIME-WAIT';
  if (from !== 'FIN-WAIT-2') return state;
  if (finReceived === true) return 'TIME-WAIT';
  return orphaned === true ? 'FIN-WAIT-2' : state;
}

function firstCloser({ to }: Arrow): 'local' | 'remote' | null {
  if (to === 'FIN-WAIT-1') return 'local';
  return to === 'CLOSE-WAIT' ? 'remote' : null;
}

function placeOf({ atMs, netns, localPort, family, addresses, at }: TraceRecord): ListenPlace {
  return { atMs, netns, localPort, family, addresses, at };
}
