import { acceptSyn, receive } from './receive.ts';
import { ACK, RST, type Segment, sequenceLength, SYN } from './segment.ts';
import { advance, distance } from './sequence.ts';
import { enterClosed, type Tcb } from './tcb.ts';

/** One side of one four-tuple: the connection that now has it, if any, and whether somebody listens. */
export interface Host {
  /** The newest connection; it keeps the four-tuple until it is CLOSED. */
  current: Tcb | null;
  listening: boolean;
  /** A new connection for a SYN that the listener takes. */
  create(): Tcb;
  /** What a port without connection answers. */
  send(segment: Segment): void;
}

/** A segment arrives from the network: the connection takes it, the listener, or nobody. */
export function arrive(host: Host, now: number, segment: Segment): void {
  const { current } = host;
  if (current !== null && current.state !== 'CLOSED') {
    if (!reopens(host, current, segment)) {
      receive(current, now, segment);
      return;
    }
    enterClosed(current, 'receive SYN', null);
  }
  if (segment.flags & RST) return;
  const isCall = (segment.flags & (SYN | ACK)) === SYN;
  if (isCall && host.listening) {
    host.current = host.create();
    acceptSyn(host.current, now, segment);
  } else host.send(refusal(segment));
}

/**
 * Whether a SYN may take the four-tuple of a connection in TIME-WAIT: only when no byte of the old one can be taken
 * for the new one's, by sequence number or time stamp (RFC 9293 §3.6.1, RFC 6191).
 */
function reopens(host: Host, current: Tcb, segment: Segment): boolean {
  if (current.state !== 'TIME-WAIT' || !host.listening) return false;
  if ((segment.flags & (SYN | ACK | RST)) !== SYN) return false;
  const isLater = distance(segment.seq, current.rcvNxt) > 0;
  return (
    isLater || (current.options.timestamps && distance(segment.timestamp, current.tsRecent) > 0)
  );
}

/**
 * The RST for a segment that belongs to no connection: RFC 9293 §3.10.7.1. Written like the segments of sendSegment(),
 * field by field: objects of one shape are what keeps the simulator fast.
 */
function refusal(segment: Segment): Segment {
  const isAcknowledging = (segment.flags & ACK) !== 0;
  return {
    seq: isAcknowledging ? segment.ack : 0,
    ack: isAcknowledging ? 0 : advance(segment.seq, sequenceLength(segment)),
    flags: isAcknowledging ? RST : RST | ACK,
    length: 0,
    window: 0,
    timestamp: segment.timestamp,
    connection: segment.connection,
  };
}
