import { FIN, type Segment } from './segment.ts';
import { advance, distance } from './sequence.ts';
import { receiveWindow, type Tcb } from './tcb.ts';

/**
 * Takes the bytes that are next in order, and those that waited ahead of them; keeps what is still ahead.
 *
 * @returns whether the peer's FIN is next: everything before it has arrived
 */
export function receiveData(tcb: Tcb, segment: Segment): boolean {
  if (distance(segment.seq, tcb.rcvNxt) > 0) {
    keepAhead(tcb, segment);
    return false;
  }
  let finArrived = takeInOrder(tcb, segment);
  while (!finArrived && tcb.ahead.length > 0) {
    const next = tcb.ahead[0];
    if (next === undefined || distance(next.seq, tcb.rcvNxt) > 0) break;
    tcb.ahead.shift();
    finArrived = takeInOrder(tcb, next);
  }
  if (finArrived) tcb.ahead = [];
  return finArrived;
}

function takeInOrder(tcb: Tcb, segment: Segment): boolean {
  const old = distance(tcb.rcvNxt, segment.seq);
  const bytes = Math.min(segment.length - old, receiveWindow(tcb));
  if (bytes > 0) {
    tcb.unread += bytes;
    tcb.rcvNxt = advance(tcb.rcvNxt, bytes);
    if (segment.connection !== tcb.connection) tcb.foreignBytes += bytes;
  }
  const isFinNext =
    (segment.flags & FIN) !== 0 && advance(segment.seq, segment.length) === tcb.rcvNxt;
  if (isFinNext) tcb.rcvNxt = advance(tcb.rcvNxt, 1);
  return isFinNext;
}

/** Sorted by sequence number; nearly always the new one is the last. */
function keepAhead(tcb: Tcb, segment: Segment): void {
  const { ahead } = tcb;
  let place = ahead.length;
  while (place > 0 && distance(ahead[place - 1].seq, segment.seq) > 0) place--;
  if (place > 0 && ahead[place - 1].seq === segment.seq) return;
  if (place === ahead.length) ahead.push(segment);
  else ahead.splice(place, 0, segment);
}
