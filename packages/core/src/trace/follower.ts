import { stateOfKernel, type TcpState } from '../tcp/state.ts';
import { isTransition } from '../tcp/transitions.ts';
import { causeOf, isMadeByCaller, type Cause } from './cause.ts';
import { endpointsOf, type Endpoints } from './endpoints.ts';
import type { TraceRecord } from './trace-record.ts';

/** A program, as the kernel names it. */
export interface TracedProcess {
  readonly pid: number;
  readonly command: string;
}

/** A socket that was there before the trace. */
export interface KnownSocket {
  readonly state: TcpState;
  readonly holder: TracedProcess | null;
}

/** One change of state of one connection. */
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
  /** Who opened it, listens for it, or held it when the trace began. */
  readonly holder: TracedProcess | null;
  /** Which side sent the first FIN, once one has. */
  readonly closedFirst: 'local' | 'remote' | null;
  /** Bytes so far that the peer has acknowledged, and that have arrived; null where not known. */
  readonly acked: number | null;
  readonly received: number | null;
  /** False: RFC 9293 has no such change; lastack or the kernel is wrong. */
  readonly isAllowed: boolean;
}

interface Followed extends Endpoints {
  state: TcpState;
  sinceMs: number | null;
  holder: TracedProcess | null;
  closedFirst: 'local' | 'remote' | null;
}

/** Follows sockets by their cookies, and turns records into transitions; pure but for its memory. */
export interface Follower {
  /** Null where the record changes nothing that a user would call a state. */
  follow(record: TraceRecord): ObservedTransition | null;
  /** Sockets that are being followed. */
  readonly size: () => number;
}

export interface FollowerOptions {
  /** Sockets by cookie, as they were when the trace began. */
  readonly known?: ReadonlyMap<number, KnownSocket>;
  /** The name of a process, where the source gives its number only. */
  readonly commandOf?: (pid: number) => string;
}

export function createFollower({
  known = new Map(),
  commandOf = () => '',
}: FollowerOptions = {}): Follower {
  const followed = new Map<number, Followed>();
  const listeners = new Map<string, TracedProcess>();
  for (const [socket, { state, holder }] of known) {
    followed.set(socket, { ...NOWHERE, state, sinceMs: null, holder, closedFirst: null });
  }
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
    // A source without cookies may use the name of a socket that is gone again.
    const isNew = from === 'CLOSED' || (from === 'LISTEN' && to !== 'CLOSED');
    const socket = (isNew ? undefined : followed.get(record.socket)) ?? begin(record);
    const hasTime = socket.sinceMs !== null && socket.state === from;
    const fromMs = hasTime ? record.atMs - (socket.sinceMs ?? 0) : null;
    locate(socket, record);
    const cause = causeOf(from, to, record.error);
    const process = processOf(record, from, to, cause, commandOf);
    if (isNew) socket.holder = process ?? listeners.get(listenerKey(record)) ?? null;
    if (to === 'LISTEN' && process !== null) listeners.set(listenerKey(record), process);
    socket.closedFirst ??= firstCloser(to);
    socket.state = to;
    socket.sinceMs = record.atMs;
    if (to === 'CLOSED' || to === 'TIME-WAIT') followed.delete(record.socket);
    return {
      atMs: record.atMs,
      socket: record.socket,
      netns: record.netns,
      local: socket.local,
      remote: socket.remote,
      from,
      to,
      fromMs,
      cause,
      process,
      holder: socket.holder,
      closedFirst: socket.closedFirst,
      acked: record.acked,
      received: record.received,
      isAllowed: isTransition(from, to),
    };
  }

  function ending(record: TraceRecord): ObservedTransition {
    const known = followed.get(record.socket);
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
      holder: known?.holder ?? null,
      closedFirst: null,
      acked: null,
      received: null,
      isAllowed: true,
    };
  }

  function begin(record: TraceRecord): Followed {
    const socket: Followed = {
      ...NOWHERE,
      state: 'CLOSED',
      sinceMs: null,
      holder: null,
      closedFirst: null,
    };
    if (record.socket !== 0) followed.set(record.socket, socket);
    return socket;
  }
}

/** What a source that knows no states before gives as one. */
const NOT_SAID = 0;
const UNKNOWN_END = { address: '', port: 0 };
const NOWHERE: Endpoints = { local: UNKNOWN_END, remote: UNKNOWN_END };

/** The local port is chosen after connect() has changed the state, and given back before the last change. */
function locate(socket: Followed, record: TraceRecord): void {
  const isKnown = socket.local.port !== 0;
  if (isKnown && (record.localPort === 0 || record.localPort === socket.local.port)) return;
  const { local, remote } = endpointsOf(record);
  Object.assign(socket, { local, remote });
}

/** The kernel closes the socket when it hands a connection on to TIME-WAIT, or an orphan's FIN-WAIT-2, without it. */
function nextState(from: TcpState, { to, error, finReceived, orphaned }: TraceRecord): TcpState {
  const state = stateOfKernel(to);
  if (state !== 'CLOSED' || error !== 0) return state;
  if (from === 'CLOSING') return 'TIME-WAIT';
  if (from !== 'FIN-WAIT-2') return state;
  if (finReceived === true) return 'TIME-WAIT';
  return orphaned === true ? 'FIN-WAIT-2' : state;
}

function firstCloser(to: TcpState): 'local' | 'remote' | null {
  if (to === 'FIN-WAIT-1') return 'local';
  return to === 'CLOSE-WAIT' ? 'remote' : null;
}

function processOf(
  { pid, command }: TraceRecord,
  from: TcpState,
  to: TcpState,
  cause: Cause,
  commandOf: (pid: number) => string,
): TracedProcess | null {
  if (pid === null || pid === 0 || !isMadeByCaller(from, to, cause)) return null;
  return { pid, command: command ?? commandOf(pid) };
}

function listenerKey({ netns, localPort }: TraceRecord): string {
  return `${netns} ${localPort}`;
}
