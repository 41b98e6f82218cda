import { abort, close, connect, read, shutdown, write } from './calls.ts';
import { createEventQueue } from './event-queue.ts';
import { arrive, type Host } from './host.ts';
import { arrivalOf, CLEAN_PATH, copyOf, type Path } from './path.ts';
import type { Call, Moment, Program } from './program.ts';
import { createRandom } from './random.ts';
import type { Segment } from './segment.ts';
import type { TcpState } from './state.ts';
import { createTcb, nextTimer, type SocketError, type Tcb } from './tcb.ts';
import { LINUX, type TcpOptions } from './tcp-options.ts';
import type { TcpEvent } from './transitions.ts';
import { expire } from './transmit.ts';

export type Role = 'client' | 'server';

/** Two programs that speak over a network; `seed` makes a run repeatable. */
export interface Setup {
  readonly seed: number;
  readonly client: Program;
  readonly server: Program;
  readonly path?: Path;
  readonly clientOptions?: TcpOptions;
  readonly serverOptions?: TcpOptions;
  /** How often the client calls, each time from the same port, as soon as the last connection has left it. 1 unless given. */
  readonly connections?: number;
  /** Nobody listens: the client is refused. */
  readonly refuses?: boolean;
  /** When the clock stops, in milliseconds: ten minutes unless given. */
  readonly until?: number;
}

/** What happened, in the order of the clock. Times in milliseconds from the start. */
export type TimelineEvent =
  | { readonly kind: 'call'; readonly at: number; readonly role: Role; readonly call: Call }
  | {
      readonly kind: 'state';
      readonly at: number;
      readonly role: Role;
      readonly connection: number;
      readonly from: TcpState;
      readonly to: TcpState;
      readonly on: TcpEvent;
    }
  | {
      readonly kind: 'send';
      readonly at: number;
      readonly role: Role;
      readonly segment: Segment;
      /** When it arrives, or null when the network lost it. */
      readonly arrives: number | null;
      /** When its copy arrives, or null when there is none. */
      readonly copyArrives: number | null;
    }
  | {
      readonly kind: 'arrive';
      readonly at: number;
      /** Whom it reaches. */
      readonly role: Role;
      /** The very object that was sent. */
      readonly segment: Segment;
    };

/** How one side ended. */
export interface Ending {
  /** The newest connection's state, or null when there never was one. */
  readonly state: TcpState | null;
  readonly error: SocketError | null;
  /** Bytes that the program could read, over all connections. */
  readonly bytesReceived: number;
  /** Bytes taken from a connection that was over: data corruption. */
  readonly foreignBytes: number;
}

export interface Run {
  readonly client: Ending;
  readonly server: Ending;
  /** Segments that were sent, the lost ones and not the copies. */
  readonly segments: number;
  readonly endedAt: number;
}

type Event =
  | { readonly at: number; readonly kind: 'arrive'; readonly to: End; readonly segment: Segment }
  | { readonly at: number; readonly kind: 'timer'; readonly to: End }
  | {
      readonly at: number;
      readonly kind: 'call';
      readonly to: End;
      readonly tcb: Tcb;
      readonly call: Call;
    }
  | { readonly at: number; readonly kind: 'connect'; readonly to: End };

/** One side's host, program and bookkeeping. */
interface End extends Host {
  readonly role: Role;
  readonly program: Program;
  /** The earliest timer event that is queued, or Infinity. */
  timerAt: number;
  bytesReceived: number;
  foreignBytes: number;
  /** What the program of the current connection has been told. */
  told: Set<Moment>;
}

/**
 * Runs two endpoints on a network that may lose, delay, overtake and duplicate.
 *
 * @param record is told everything that happens; left out, the run is faster
 */
export function simulate(setup: Setup, record?: (event: TimelineEvent) => void): Run {
  const { path = CLEAN_PATH, until = 600_000, connections = 1 } = setup;
  const random = createRandom(setup.seed);
  const queue = createEventQueue<Event>();
  const firstIss = Math.floor(random() * 4_294_967_296);
  let now = 0;
  let segments = 0;
  let opened = 0;

  const client = createEnd('client', setup.client, setup.clientOptions ?? LINUX);
  const server = createEnd('server', setup.server, setup.serverOptions ?? LINUX);
  server.listening = setup.refuses !== true;
  queue.add({ at: 0, kind: 'connect', to: client });

  for (let event = queue.take(); event !== undefined; event = queue.take()) {
    if (event.at > until) break;
    now = event.at;
    handle(event);
    follow(event.to);
  }
  return { client: endingOf(client), server: endingOf(server), segments, endedAt: now };

  function createEnd(role: Role, program: Program, options: TcpOptions): End {
    const end: End = {
      role,
      program,
      current: null,
      listening: false,
      timerAt: Infinity,
      bytesReceived: 0,
      foreignBytes: 0,
      told: new Set(),
      create() {
        end.foreignBytes += end.current?.foreignBytes ?? 0;
        end.told = new Set();
        const connection = opened;
        // The clock that RFC 9293 §3.4.1 picks initial sequence numbers from: one every 4 µs.
        const iss = (firstIss + Math.floor(now * 250) + (role === 'server' ? 1e9 : 0)) >>> 0;
        return createTcb(options, wireOf(end, connection), iss, connection);
      },
      send: (segment) => transport(end, segment),
    };
    return end;
  }

  function wireOf(end: End, connection: number) {
    return {
      send: (segment: Segment) => transport(end, segment),
      transition(from: TcpState, to: TcpState, on: TcpEvent) {
        record?.({ kind: 'state', at: now, role: end.role, connection, from, to, on });
      },
    };
  }

  function transport(from: End, segment: Segment): void {
    segments += 1;
    const to = from === client ? server : client;
    const arrives = arrivalOf(path, random, now);
    if (arrives !== null) queue.add({ at: arrives, kind: 'arrive', to, segment });
    const copyArrives = copyOf(path, random, arrives ?? now);
    if (copyArrives !== null) queue.add({ at: copyArrives, kind: 'arrive', to, segment });
    record?.({ kind: 'send', at: now, role: from.role, segment, arrives, copyArrives });
  }

  function handle(event: Event): void {
    const { to } = event;
    switch (event.kind) {
      case 'arrive':
        record?.({ kind: 'arrive', at: now, role: to.role, segment: event.segment });
        arrive(to, now, event.segment);
        break;
      case 'timer':
        // An earlier one has been queued since.
        if (event.at !== to.timerAt) break;
        to.timerAt = Infinity;
        if (to.current !== null && nextTimer(to.current) <= now) expire(to.current, now);
        break;
      case 'connect':
        // Several events of one moment may each have found the last connection gone.
        if (to.current !== null && to.current.state !== 'CLOSED') break;
        opened += 1;
        to.current = to.create();
        connect(to.current, now);
        break;
      case 'call':
        if (to.current === event.tcb) perform(to, event.tcb, event.call);
        break;
      default:
        event satisfies never;
    }
  }

  function perform(end: End, tcb: Tcb, call: Call): void {
    if (tcb.orphaned) return;
    record?.({ kind: 'call', at: now, role: end.role, call });
    if (call.kind === 'write') write(tcb, now, call.bytes);
    else if (call.kind === 'shutdown') shutdown(tcb, now, call.how);
    else if (call.kind === 'close') close(tcb, now);
    else abort(tcb, now);
  }

  /** After each event: the program is told what it waits for, the timer is set, and the next connection made. */
  function follow(end: End): void {
    const tcb = end.current;
    if (tcb === null) return;
    if (tcb.state === 'CLOSED') {
      if (end === client && opened < connections) queue.add({ at: now, kind: 'connect', to: end });
      return;
    }
    if (!tcb.orphaned) tellProgram(end, tcb);
    const due = nextTimer(tcb);
    if (due < end.timerAt) {
      end.timerAt = due;
      queue.add({ at: due, kind: 'timer', to: end });
    }
  }

  function tellProgram(end: End, tcb: Tcb): void {
    if (tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED') return;
    tell(end, tcb, 'established');
    if (tcb.unread > 0) tell(end, tcb, 'data');
    if (end.program.reads && tcb.unread > 0) {
      end.bytesReceived += read(tcb, now, Infinity) ?? 0;
    }
    if (tcb.eof) tell(end, tcb, 'end of stream');
  }

  function tell(end: End, tcb: Tcb, moment: Moment): void {
    if (end.told.has(moment)) return;
    end.told.add(moment);
    for (const { when, after = 0, call } of end.program.steps) {
      if (when === moment) queue.add({ at: now + after, kind: 'call', to: end, tcb, call });
    }
  }

  function endingOf(end: End): Ending {
    const { current } = end;
    return {
      state: current?.state ?? null,
      error: current?.error ?? null,
      bytesReceived: end.bytesReceived,
      foreignBytes: end.foreignBytes + (current?.foreignBytes ?? 0),
    };
  }
}
