import { limitFinWait2 } from './calls.ts';
import { receiveData } from './receive-data.ts';
import { ACK, FIN, RST, type Segment, sequenceLength, SYN } from './segment.ts';
import { advance, distance } from './sequence.ts';
import {
  enter,
  enterClosed,
  receiveWindow,
  reset,
  sendAck,
  sendInvalidAck,
  sendSegment,
  type SocketError,
  type Tcb,
} from './tcb.ts';
import { acknowledge, sendSyn, transmit } from './transmit.ts';

/** The passive open: a listener's new connection takes the SYN (RFC 9293 §3.10.7.2). */
export function acceptSyn(tcb: Tcb, now: number, syn: Segment): void {
  tcb.state = 'LISTEN';
  takeSyn(tcb, syn);
  enter(tcb, 'SYN-RECEIVED', 'receive SYN');
  sendSyn(tcb, now);
}

/** SEGMENT ARRIVES of RFC 9293 §3.10.7.3 and §3.10.7.4, in its order; a closed or listening port is the host's. */
export function receive(tcb: Tcb, now: number, segment: Segment): void {
  if (tcb.state === 'SYN-SENT') {
    receiveInSynSent(tcb, now, segment);
    return;
  }
  if (!isAcceptable(tcb, segment)) {
    if (segment.flags & RST) return;
    // An old duplicate, or the peer's FIN again: it did not get our last ACK.
    if (tcb.state === 'TIME-WAIT') tcb.expiresAt = now + tcb.options.timeWait;
    sendInvalidAck(tcb, now, segment);
    return;
  }
  if (segment.flags & RST) {
    receiveReset(tcb, now, segment);
    return;
  }
  if (segment.flags & SYN) {
    if (tcb.options.challengeAck || tcb.state === 'TIME-WAIT') sendInvalidAck(tcb, now, segment);
    else reset(tcb, now, 'receive RST', 'ECONNRESET');
    return;
  }
  if (!(segment.flags & ACK)) return;
  if (distance(segment.seq, tcb.rcvNxt) <= 0) tcb.tsRecent = segment.timestamp;
  if (!receiveAck(tcb, now, segment)) return;
  if (segment.length > 0 || segment.flags & FIN) receiveText(tcb, now, segment);
  if (tcb.state !== 'CLOSED' && tcb.state !== 'TIME-WAIT') transmit(tcb, now);
}

function receiveInSynSent(tcb: Tcb, now: number, segment: Segment): void {
  const { flags, ack } = segment;
  if (flags & ACK && ack !== tcb.sndNxt) {
    if (!(flags & RST)) sendSegment(tcb, now, ack, RST, 0);
    return;
  }
  if (flags & RST) {
    if (flags & ACK) enterClosed(tcb, 'receive RST', 'ECONNREFUSED');
    return;
  }
  if (!(flags & SYN)) return;
  takeSyn(tcb, segment);
  if (flags & ACK) {
    acknowledge(tcb, now, ack);
    enter(tcb, 'ESTABLISHED', 'receive SYN ACK');
    sendAck(tcb, now);
    transmit(tcb, now);
  } else {
    // Simultaneous open: both have called.
    enter(tcb, 'SYN-RECEIVED', 'receive SYN');
    tcb.retransmitAt = Infinity;
    sendSyn(tcb, now);
  }
}

function takeSyn(tcb: Tcb, syn: Segment): void {
  tcb.irs = syn.seq;
  tcb.rcvNxt = advance(syn.seq, 1);
  tcb.tsRecent = syn.timestamp;
  takeWindow(tcb, syn);
}

function takeWindow(tcb: Tcb, segment: Segment): void {
  tcb.sndWnd = segment.window;
  tcb.sndWl1 = segment.seq;
  tcb.sndWl2 = segment.ack;
}

/** PAWS (RFC 7323 §5), then the four cases of RFC 9293 §3.10.7.4, first. */
function isAcceptable(tcb: Tcb, segment: Segment): boolean {
  const { timestamp, seq } = segment;
  const isOlder = tcb.options.timestamps && distance(timestamp, tcb.tsRecent) < 0;
  if (isOlder && !(segment.flags & RST)) return false;
  const window = receiveWindow(tcb);
  const start = distance(seq, tcb.rcvNxt);
  const length = sequenceLength(segment);
  if (length === 0) return window === 0 ? start === 0 : start >= 0 && start < window;
  if (window === 0) return false;
  const end = start + length - 1;
  return (start >= 0 && start < window) || (end >= 0 && end < window);
}

function receiveReset(tcb: Tcb, now: number, segment: Segment): void {
  if (tcb.state === 'TIME-WAIT' && !tcb.options.resetEndsTimeWait) return;
  if (tcb.options.challengeAck && segment.seq !== tcb.rcvNxt) sendInvalidAck(tcb, now, segment);
  else enterClosed(tcb, 'receive RST', errorOfReset(tcb));
}

/** What the program sees: tcp_reset() in net/ipv4/tcp_input.c. */
function errorOfReset(tcb: Tcb): SocketError | null {
  if (tcb.state === 'TIME-WAIT' || tcb.orphaned) return null;
  return tcb.state === 'CLOSE-WAIT' ? 'EPIPE' : 'ECONNRESET';
}

/** @returns whether the segment's text is looked at */
function receiveAck(tcb: Tcb, now: number, segment: Segment): boolean {
  const { ack } = segment;
  const isNew = distance(ack, tcb.sndUna) > 0;
  const isUnsent = distance(ack, tcb.sndMax) > 0;
  if (tcb.state === 'SYN-RECEIVED' && (isUnsent || !isNew)) {
    sendSegment(tcb, now, ack, RST, 0);
    return false;
  }
  if (isUnsent) {
    sendInvalidAck(tcb, now, segment);
    return false;
  }
  if (tcb.state === 'SYN-RECEIVED') {
    enter(tcb, 'ESTABLISHED', 'receive ACK');
    takeWindow(tcb, segment);
  }
  if (isNew) acknowledge(tcb, now, ack);
  const isLater = distance(segment.seq, tcb.sndWl1) > 0;
  const isSame = segment.seq === tcb.sndWl1 && distance(ack, tcb.sndWl2) >= 0;
  if (distance(ack, tcb.sndUna) >= 0 && (isLater || isSame)) takeWindow(tcb, segment);
  if (tcb.finQueued && distance(tcb.sndUna, tcb.writeSeq) > 0) receiveAckOfFin(tcb, now);
  return tcb.state !== 'CLOSED';
}

function receiveAckOfFin(tcb: Tcb, now: number): void {
  if (tcb.state === 'FIN-WAIT-1') {
    enter(tcb, 'FIN-WAIT-2', 'receive ACK of FIN');
    if (tcb.orphaned) limitFinWait2(tcb, now);
  } else if (tcb.state === 'CLOSING') enterTimeWait(tcb, now, 'receive ACK of FIN');
  else if (tcb.state === 'LAST-ACK') enterClosed(tcb, 'receive ACK of FIN', null);
}

/** The text and the FIN: RFC 9293 §3.10.7.4, seventh and eighth. */
function receiveText(tcb: Tcb, now: number, segment: Segment): void {
  if (tcb.eof) {
    sendAck(tcb, now);
    return;
  }
  const isWaiting = tcb.state === 'FIN-WAIT-1' || tcb.state === 'FIN-WAIT-2';
  if (isWaiting && tcb.readShut && segment.length > 0 && tcb.options.resetOnDataAfterClose) {
    reset(tcb, now, 'data after close()', tcb.orphaned ? null : 'ECONNRESET');
    return;
  }
  const finArrived = receiveData(tcb, segment);
  if (finArrived) receiveFin(tcb, now);
  sendAck(tcb, now);
}

function receiveFin(tcb: Tcb, now: number): void {
  tcb.eof = true;
  if (tcb.state === 'ESTABLISHED') enter(tcb, 'CLOSE-WAIT', 'receive FIN');
  else if (tcb.state === 'FIN-WAIT-1') enter(tcb, 'CLOSING', 'receive FIN');
  else if (tcb.state === 'FIN-WAIT-2') enterTimeWait(tcb, now, 'receive FIN');
}

function enterTimeWait(tcb: Tcb, now: number, on: 'receive FIN' | 'receive ACK of FIN'): void {
  tcb.retransmitAt = Infinity;
  tcb.expiresAt = now + tcb.options.timeWait;
  enter(tcb, 'TIME-WAIT', on);
}
