import { TCP_STATES, type TcpState } from '../tcp/state.ts';
import { isTransition, TRANSITIONS, type TcpEvent } from '../tcp/transitions.ts';

/** errno of include/uapi/asm-generic/errno.h, as the kernel leaves it in `sk_err`. */
const ECONNABORTED = 103;
const ETIMEDOUT = 110;
const BY_RESET: ReadonlySet<number> = new Set([32, 104, 111]);

/** Why a connection changed its state. */
export type Cause = TcpEvent | 'shutdown(WR) or close()' | 'killed in the kernel' | 'unknown';

/** What a source says of a socket besides its states; null where it does not say. */
export interface Circumstances {
  /** `sk_err`, an errno. */
  readonly error: number | null;
  /** No program holds the socket any more. */
  readonly orphaned: boolean | null;
  /** Bytes in the receive queue, with one for a FIN. */
  readonly unread: number | null;
}

/** A change from one state to another, whatever socket makes it. */
export interface Arrow {
  readonly from: TcpState;
  readonly to: TcpState;
  /** RFC 9293 and Linux have it. */
  readonly isAllowed: boolean;
  /** What makes it, where only one thing can. */
  readonly soleCause: Cause | null;
}

const ARROWS: ReadonlyMap<TcpState, ReadonlyMap<TcpState, Arrow>> = new Map(
  TCP_STATES.map((from) => [from, new Map(TCP_STATES.map((to) => [to, makeArrow(from, to)]))]),
);

/** Always the same object for the same states. */
export function arrowOf(from: TcpState, to: TcpState): Arrow {
  return ARROWS.get(from)?.get(to) ?? makeArrow(from, to);
}

function makeArrow(from: TcpState, to: TcpState): Arrow {
  return { from, to, isAllowed: isTransition(from, to), soleCause: soleCauseOf(from, to) };
}

/** A FIN that a program sends looks the same after shutdown() and close(). */
function soleCauseOf(from: TcpState, to: TcpState): Cause | null {
  if (to === 'CLOSED' && from !== 'LISTEN') return null;
  if (to === 'FIN-WAIT-1' || to === 'LAST-ACK') return 'shutdown(WR) or close()';
  const events = TRANSITIONS.filter((arrow) => arrow.from === from && arrow.to === to);
  return events.length === 1 ? events[0].on : 'unknown';
}

/**
 * Why. What ended in CLOSED is told apart by `sk_err`, and without an error by what can lead there: a close() resets the
 * connection when data are unread, or SO_LINGER with a time of 0 asks for it (net/ipv4/tcp.c, __tcp_close()).
 */
export function causeOf({ from, soleCause }: Arrow, seen: Circumstances): Cause {
  return soleCause ?? causeOfEnd(from, seen);
}

function causeOfEnd(from: TcpState, { error, orphaned, unread }: Circumstances): Cause {
  if (error === null) return 'unknown';
  if (BY_RESET.has(error)) return 'receive RST';
  if (error === ETIMEDOUT) return 'time-out';
  if (error === ECONNABORTED) return 'killed in the kernel';
  if (error !== 0) return 'unknown';
  if (from === 'LAST-ACK') return 'receive ACK of FIN';
  if (from === 'SYN-SENT') return 'close()';
  if (orphaned === null || unread === null) return 'unknown';
  const isClosing = from === 'FIN-WAIT-1' || from === 'FIN-WAIT-2';
  if (isClosing && orphaned) return 'data after close()';
  if (!isClosing && from !== 'ESTABLISHED' && from !== 'CLOSE-WAIT') return 'unknown';
  const finBytes = from === 'CLOSE-WAIT' ? 1 : 0;
  return unread > finBytes ? 'data unread at close()' : 'abort()';
}

/** Whether a system call of the running process made the change, so that the kernel names the right one. */
export function isMadeByCaller({ from, to }: Arrow, cause: Cause): boolean {
  if (to === 'SYN-SENT' || to === 'LISTEN' || from === 'LISTEN') return to !== 'SYN-RECEIVED';
  if (cause === 'abort()' || cause === 'data unread at close()') return true;
  return cause === 'shutdown(WR) or close()' || cause === 'close()';
}
