import type { TcpState } from '../tcp/state.ts';
import { TRANSITIONS, type TcpEvent } from '../tcp/transitions.ts';

/** errno of include/uapi/asm-generic/errno.h, as the kernel leaves it in `sk_err`. */
const ECONNABORTED = 103;
const ETIMEDOUT = 110;
const BY_RESET: ReadonlySet<number> = new Set([32, 104, 111]);

/** Why a connection changed its state. */
export type Cause = TcpEvent | 'shutdown(WR) or close()' | 'killed in the kernel' | 'unknown';

const SOLE_EVENT: ReadonlyMap<string, TcpEvent> = soleEvents();

/**
 * Why, from the states and `sk_err`. A FIN that a program sends looks the same after shutdown() and close(); what ended
 * in CLOSED is told apart by the error alone, and without one by what can lead there.
 */
export function causeOf(from: TcpState, to: TcpState, error: number | null): Cause {
  if (to === 'CLOSED' && from !== 'LISTEN') return causeOfEnd(from, error);
  if (to === 'FIN-WAIT-1' || to === 'LAST-ACK') return 'shutdown(WR) or close()';
  return SOLE_EVENT.get(`${from} ${to}`) ?? 'unknown';
}

function causeOfEnd(from: TcpState, error: number | null): Cause {
  if (error === null) return 'unknown';
  if (BY_RESET.has(error)) return 'receive RST';
  if (error === ETIMEDOUT) return 'time-out';
  if (error === ECONNABORTED) return 'killed in the kernel';
  if (error !== 0) return 'unknown';
  if (from === 'LAST-ACK') return 'receive ACK of FIN';
  if (from === 'SYN-SENT') return 'close()';
  if (from === 'FIN-WAIT-1' || from === 'FIN-WAIT-2') return 'data after close()';
  if (from === 'ESTABLISHED' || from === 'CLOSE-WAIT') return 'abort()';
  return 'unknown';
}

/** Arrows that only one event takes. */
function soleEvents(): Map<string, TcpEvent> {
  const events = new Map<string, TcpEvent>();
  const several = new Set<string>();
  for (const { from, to, on } of TRANSITIONS) {
    const arrow = `${from} ${to}`;
    if (events.has(arrow)) several.add(arrow);
    events.set(arrow, on);
  }
  for (const arrow of several) events.delete(arrow);
  return events;
}

/** Whether a system call of the running process made the change, so that the kernel names the right one. */
export function isMadeByCaller(from: TcpState, to: TcpState, cause: Cause): boolean {
  if (to === 'SYN-SENT' || to === 'LISTEN' || from === 'LISTEN') return to !== 'SYN-RECEIVED';
  if (cause === 'abort()') return true;
  return cause === 'shutdown(WR) or close()' || cause === 'close()';
}
