import { ACK, FIN, RST, type Segment, SYN } from './segment.ts';
import { advance, distance } from './sequence.ts';
import type { TcpState } from './state.ts';
import type { TcpOptions } from './tcp-options.ts';
import type { TcpEvent } from './transitions.ts';

/** Where an endpoint's segments go, and who is told of its states. */
export interface Wire {
  send(segment: Segment): void;
  transition(from: TcpState, to: TcpState, on: TcpEvent): void;
}

/** What a call on the connection gives from now on, as the program sees it. */
export type SocketError = 'ECONNREFUSED' | 'ECONNRESET' | 'EPIPE' | 'ETIMEDOUT';

/**
 * The transmission control block of RFC 9293 §3.3.1: one end of one connection. Its variables keep the RFC's names.
 * Only this folder changes it. Times are milliseconds of the caller's clock; Infinity is "not set".
 */
export interface Tcb {
  readonly options: TcpOptions;
  readonly wire: Wire;
  /** Which connection this is: {@link Segment.connection}. */
  readonly connection: number;
  state: TcpState;
  error: SocketError | null;

  readonly iss: number;
  sndUna: number;
  sndNxt: number;
  /** The highest SND.NXT so far: after a retransmission SND.NXT starts again at SND.UNA. */
  sndMax: number;
  sndWnd: number;
  sndWl1: number;
  sndWl2: number;
  /** The sequence number after the last byte that the program wrote: the FIN's own. */
  writeSeq: number;
  finQueued: boolean;
  cwnd: number;
  ssthresh: number;

  irs: number;
  rcvNxt: number;
  /** Received in order and not yet read, in bytes. */
  unread: number;
  /** The peer's FIN has arrived in order: a read gives 0 after the last byte. */
  eof: boolean;
  /** Ranges received ahead of order. */
  ahead: Segment[];
  /** Bytes accepted from another connection than this one: what must never be more than 0. */
  foreignBytes: number;
  tsRecent: number;

  /** The program has called close(): nobody holds the connection. */
  orphaned: boolean;
  /** shutdown(RD), shutdown(RDWR) or close() was called. */
  readShut: boolean;

  /** When a segment outside of the window was last answered. */
  invalidAckAt: number;
  retransmitAt: number;
  rto: number;
  retries: number;
  /** When the oldest byte without acknowledgement was sent first. */
  unackedSince: number;
  /** End of TIME-WAIT, or of a FIN-WAIT-2 without holder. */
  expiresAt: number;
  srtt: number;
  rttvar: number;
  /** The sequence number whose acknowledgement is being timed, and since when (Karn: never a retransmitted one). */
  timedSeq: number;
  timedAt: number;
}

/** A closed connection, ready for connect() or a SYN. `iss` is the initial send sequence number. */
export function createTcb(options: TcpOptions, wire: Wire, iss: number, connection: number): Tcb {
  return {
    options,
    wire,
    connection,
    state: 'CLOSED',
    error: null,
    iss,
    sndUna: iss,
    sndNxt: iss,
    sndMax: iss,
    sndWnd: 0,
    sndWl1: 0,
    sndWl2: 0,
    writeSeq: advance(iss, 1),
    finQueued: false,
    cwnd: options.initialWindow * options.mss,
    ssthresh: 0x7fffffff,
    irs: 0,
    rcvNxt: 0,
    unread: 0,
    eof: false,
    ahead: [],
    foreignBytes: 0,
    tsRecent: 0,
    orphaned: false,
    readShut: false,
    invalidAckAt: -Infinity,
    retransmitAt: Infinity,
    rto: options.initialRto,
    retries: 0,
    unackedSince: Infinity,
    expiresAt: Infinity,
    srtt: 0,
    rttvar: 0,
    timedSeq: 0,
    timedAt: Infinity,
  };
}

export function enter(tcb: Tcb, to: TcpState, on: TcpEvent): void {
  const from = tcb.state;
  tcb.state = to;
  tcb.wire.transition(from, to, on);
}

/** The end of the connection: no timer runs any more. */
export function enterClosed(tcb: Tcb, on: TcpEvent, error: SocketError | null): void {
  tcb.error ??= error;
  tcb.retransmitAt = Infinity;
  tcb.expiresAt = Infinity;
  enter(tcb, 'CLOSED', on);
}

export function receiveWindow(tcb: Tcb): number {
  return Math.max(0, tcb.options.receiveBuffer - tcb.unread);
}

/** Bytes (and a SYN or FIN) sent and not acknowledged. */
export function inFlight(tcb: Tcb): number {
  return distance(tcb.sndMax, tcb.sndUna);
}

export function sendSegment(
  tcb: Tcb,
  now: number,
  seq: number,
  flags: number,
  length: number,
): void {
  tcb.wire.send({
    seq,
    ack: flags & ACK ? tcb.rcvNxt : 0,
    flags,
    length,
    window: receiveWindow(tcb),
    timestamp: tcb.options.timestamps ? now : 0,
    connection: tcb.connection,
  });
}

export function sendAck(tcb: Tcb, now: number): void {
  sendSegment(tcb, now, tcb.sndNxt, ACK, 0);
}

/** Answers a segment that cannot be taken, with a data segment always, with others not too often. */
export function sendInvalidAck(tcb: Tcb, now: number, segment: Segment): void {
  const isPure = segment.length === 0 && (segment.flags & (SYN | FIN)) === 0;
  if (isPure && now - tcb.invalidAckAt < tcb.options.invalidAckInterval) return;
  if (isPure) tcb.invalidAckAt = now;
  sendAck(tcb, now);
}

/** Where an ABORT tells the peer nothing: it has heard of no connection, or has closed as well. */
const ENDS_SILENTLY: ReadonlySet<TcpState> = new Set(['SYN-SENT', 'CLOSING', 'LAST-ACK']);

/** Ends the connection at once and tells the peer (RFC 9293 §3.10.5). */
export function reset(tcb: Tcb, now: number, on: TcpEvent, error: SocketError | null): void {
  if (!ENDS_SILENTLY.has(tcb.state)) sendSegment(tcb, now, tcb.sndNxt, RST | ACK, 0);
  enterClosed(tcb, on, error);
}

/** When `expire()` wants to be called, or Infinity. */
export function nextTimer(tcb: Tcb): number {
  return Math.min(tcb.retransmitAt, tcb.expiresAt);
}
