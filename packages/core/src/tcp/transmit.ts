import { ACK, FIN, PSH, SYN } from './segment.ts';
import { advance, distance } from './sequence.ts';
import { enterClosed, inFlight, sendAck, sendSegment, type Tcb } from './tcb.ts';

/**
 * Sends what the peer's window and slow start (RFC 5681) allow: data, then the FIN behind its last byte.
 * Neither Nagle's algorithm nor tail-loss probes are modelled.
 */
export function transmit(tcb: Tcb, now: number): void {
  const { mss } = tcb.options;
  for (;;) {
    const unsent = distance(tcb.writeSeq, tcb.sndNxt);
    if (unsent < 0 || (unsent === 0 && !tcb.finQueued)) break;
    const window = Math.min(tcb.sndWnd, tcb.cwnd) - distance(tcb.sndNxt, tcb.sndUna);
    const length = Math.min(unsent, mss, window);
    const isLast = length === unsent;
    if (length <= 0 && !(isLast && tcb.sndWnd > 0)) break;
    const fin = isLast && tcb.finQueued;
    const flags = ACK | (fin ? FIN : 0) | (isLast && length > 0 ? PSH : 0);
    sendSegment(tcb, now, tcb.sndNxt, flags, length);
    if (tcb.timedAt === Infinity && tcb.sndNxt === tcb.sndMax) {
      tcb.timedSeq = tcb.sndNxt;
      tcb.timedAt = now;
    }
    tcb.sndNxt = advance(tcb.sndNxt, length + (fin ? 1 : 0));
    if (distance(tcb.sndNxt, tcb.sndMax) > 0) tcb.sndMax = tcb.sndNxt;
  }
  armRetransmission(tcb, now);
}

/** The first SYN, or the SYN ACK of whoever was called. */
export function sendSyn(tcb: Tcb, now: number): void {
  const flags = tcb.state === 'SYN-SENT' ? SYN : SYN | ACK;
  sendSegment(tcb, now, tcb.iss, flags, 0);
  // Karn: what was sent twice is not timed.
  tcb.timedAt = tcb.sndMax === tcb.iss ? now : Infinity;
  tcb.timedSeq = tcb.iss;
  tcb.sndNxt = advance(tcb.iss, 1);
  if (distance(tcb.sndNxt, tcb.sndMax) > 0) tcb.sndMax = tcb.sndNxt;
  armRetransmission(tcb, now);
}

function armRetransmission(tcb: Tcb, now: number): void {
  const waits = inFlight(tcb) > 0 || distance(tcb.writeSeq, tcb.sndNxt) > 0 || isFinUnsent(tcb);
  if (!waits || tcb.retransmitAt !== Infinity) return;
  tcb.retransmitAt = now + tcb.rto;
  if (tcb.unackedSince === Infinity) tcb.unackedSince = now;
}

function isFinUnsent(tcb: Tcb): boolean {
  return tcb.finQueued && tcb.sndNxt === tcb.writeSeq;
}

/** What the acknowledgement `ack`, which is new, means for sending: RTT (RFC 6298), slow start, timers. */
export function acknowledge(tcb: Tcb, now: number, ack: number): void {
  const acked = distance(ack, tcb.sndUna);
  if (tcb.timedAt !== Infinity && distance(ack, tcb.timedSeq) > 0) measure(tcb, now - tcb.timedAt);
  // The SYN's own acknowledgement opens no window.
  if (tcb.sndUna !== tcb.iss) growWindow(tcb, acked);
  tcb.sndUna = ack;
  if (distance(tcb.sndNxt, ack) < 0) tcb.sndNxt = ack;
  tcb.retries = 0;
  tcb.retransmitAt = Infinity;
  tcb.unackedSince = inFlight(tcb) > 0 ? now : Infinity;
}

function growWindow(tcb: Tcb, acked: number): void {
  const { mss } = tcb.options;
  const isSlowStart = tcb.cwnd < tcb.ssthresh;
  tcb.cwnd += isSlowStart ? Math.min(acked, mss) : Math.max(1, Math.floor((mss * mss) / tcb.cwnd));
}

function measure(tcb: Tcb, rtt: number): void {
  if (tcb.srtt === 0) {
    tcb.srtt = rtt;
    tcb.rttvar = rtt / 2;
  } else {
    tcb.rttvar = 0.75 * tcb.rttvar + 0.25 * Math.abs(tcb.srtt - rtt);
    tcb.srtt = 0.875 * tcb.srtt + 0.125 * rtt;
  }
  const { minRto, maxRto } = tcb.options;
  tcb.rto = Math.min(maxRto, Math.max(minRto, tcb.srtt + 4 * tcb.rttvar));
  tcb.timedAt = Infinity;
}

/** Runs the timers that are due: retransmission, zero-window probe, user time-out, TIME-WAIT, FIN-WAIT-2. */
export function expire(tcb: Tcb, now: number): void {
  if (tcb.expiresAt <= now) {
    enterClosed(tcb, 'time-out', null);
    return;
  }
  if (tcb.retransmitAt > now) return;
  tcb.retries += 1;
  if (isGivenUp(tcb, now)) {
    enterClosed(tcb, 'time-out', 'ETIMEDOUT');
    return;
  }
  if (!isLinear(tcb)) tcb.rto = Math.min(tcb.options.maxRto, tcb.rto * 2);
  tcb.retransmitAt = Infinity;
  tcb.timedAt = Infinity;
  if (tcb.sndUna === tcb.iss) sendSyn(tcb, now);
  else if (inFlight(tcb) > 0) retransmit(tcb, now);
  else probeWindow(tcb, now);
}

/** Linux 6.5 and later repeat the first SYNs a second apart: tcp_retransmit_timer() in net/ipv4/tcp_timer.c. */
function isLinear(tcb: Tcb): boolean {
  return tcb.state === 'SYN-SENT' && tcb.retries <= tcb.options.synLinearTimeouts;
}

function isGivenUp(tcb: Tcb, now: number): boolean {
  const { synRetries, synLinearTimeouts, synAckRetries } = tcb.options;
  const { orphanRetries, retries, userTimeout } = tcb.options;
  if (userTimeout !== null && now - tcb.unackedSince >= userTimeout) return true;
  if (tcb.state === 'SYN-SENT') return tcb.retries > synRetries + synLinearTimeouts;
  if (tcb.sndUna === tcb.iss) return tcb.retries > synAckRetries;
  return tcb.retries > (tcb.orphaned ? orphanRetries : retries);
}

/** Starts again at the oldest byte without acknowledgement, with a window of one segment. */
function retransmit(tcb: Tcb, now: number): void {
  tcb.ssthresh = Math.max(inFlight(tcb) >> 1, 2 * tcb.options.mss);
  tcb.cwnd = tcb.options.mss;
  tcb.sndNxt = tcb.sndUna;
  const before = tcb.sndNxt;
  transmit(tcb, now);
  // A window that closed meanwhile must not stop the retransmission (RFC 9293 §3.8.6.1).
  if (tcb.sndNxt === before) probeWindow(tcb, now);
}

/** A segment outside of the window, whose answer tells the window (as Linux sends it). */
function probeWindow(tcb: Tcb, now: number): void {
  sendSegment(tcb, now, advance(tcb.sndUna, -1), ACK, 0);
  armRetransmission(tcb, now);
}

/** Tells the peer of a window that was too small and is worth a segment again. */
export function announceWindow(tcb: Tcb, now: number, before: number, after: number): void {
  const { mss } = tcb.options;
  if (before < mss && after >= mss) sendAck(tcb, now);
}
