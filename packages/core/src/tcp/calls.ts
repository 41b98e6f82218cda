import { enter, enterClosed, receiveWindow, reset, type Tcb } from './tcb.ts';
import { advance } from './sequence.ts';
import { announceWindow, sendSyn, transmit } from './transmit.ts';

/** connect(): the active open of RFC 9293 §3.10.1. */
export function connect(tcb: Tcb, now: number): void {
  enter(tcb, 'SYN-SENT', 'connect()');
  sendSyn(tcb, now);
}

/** @returns the bytes taken, or null where the kernel gives EPIPE: this side has ended its stream, or there is none */
export function write(tcb: Tcb, now: number, bytes: number): number | null {
  if (tcb.finQueued || !CAN_SEND.has(tcb.state)) return null;
  tcb.writeSeq = advance(tcb.writeSeq, bytes);
  if (tcb.state === 'ESTABLISHED' || tcb.state === 'CLOSE-WAIT') transmit(tcb, now);
  return bytes;
}

const CAN_SEND: ReadonlySet<string> = new Set([
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'CLOSE-WAIT',
]);

/** @returns the bytes read, 0 at the end of the stream, or null where a read would wait */
export function read(tcb: Tcb, now: number, atMost: number): number | null {
  const bytes = Math.min(tcb.unread, atMost);
  if (bytes === 0) return tcb.eof || tcb.readShut || tcb.state === 'CLOSED' ? 0 : null;
  const before = receiveWindow(tcb);
  tcb.unread -= bytes;
  if (!tcb.eof && tcb.state !== 'CLOSED') announceWindow(tcb, now, before, receiveWindow(tcb));
  return bytes;
}

/** shutdown(): WR queues the FIN behind what was written; RD alone sends nothing, and Linux goes on to take data. */
export function shutdown(tcb: Tcb, now: number, how: 'RD' | 'WR' | 'RDWR'): void {
  if (how !== 'WR') tcb.readShut = true;
  if (how !== 'RD') endStream(tcb, now, 'shutdown(WR)');
}

/** close(): nobody can read any more, so that unread data, and data that still comes, is lost: Linux says so by a RST. */
export function close(tcb: Tcb, now: number): void {
  if (tcb.orphaned) return;
  tcb.orphaned = true;
  tcb.readShut = true;
  if (tcb.state === 'SYN-SENT') {
    enterClosed(tcb, 'close()', null);
    return;
  }
  if (tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT') return;
  if (tcb.unread > 0 && tcb.options.resetOnUnreadClose) {
    reset(tcb, now, 'data unread at close()', null);
    return;
  }
  endStream(tcb, now, 'close()');
  if (tcb.state === 'FIN-WAIT-2') limitFinWait2(tcb, now);
}

/** The ABORT call, as close() with SO_LINGER {on, 0} does it: a RST, and everything queued is lost. */
export function abort(tcb: Tcb, now: number): void {
  tcb.orphaned = true;
  if (tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT') return;
  reset(tcb, now, 'abort()', null);
}

/** A FIN-WAIT-2 without holder ends by itself where the options say so. */
export function limitFinWait2(tcb: Tcb, now: number): void {
  const { finWait2Timeout } = tcb.options;
  if (finWait2Timeout !== null) tcb.expiresAt = now + finWait2Timeout;
}

function endStream(tcb: Tcb, now: number, on: 'shutdown(WR)' | 'close()'): void {
  if (tcb.finQueued) return;
  if (tcb.state === 'SYN-RECEIVED' || tcb.state === 'ESTABLISHED') {
    tcb.finQueued = true;
    enter(tcb, 'FIN-WAIT-1', on);
    transmit(tcb, now);
  } else if (tcb.state === 'CLOSE-WAIT') {
    tcb.finQueued = true;
    enter(tcb, 'LAST-ACK', on);
    transmit(tcb, now);
  }
}
