import { KERNEL_STATE } from '../tcp/state.ts';
import { kernelStateOf, timerOf } from './row.ts';
import type { SocketTable } from './table.ts';

/** How long a socket has been in its state: between `minMs` and `maxMs` (null: no upper bound is known). */
export interface Age {
  readonly minMs: number;
  readonly maxMs: number | null;
  /** The two bounds are one measured value. */
  readonly exact: boolean;
}

/** TCP_TIMEWAIT_LEN (include/net/tcp.h) is compiled in: no sysctl changes it. */
export const TIME_WAIT_MS = 60_000;
export const UNKNOWN_AGE: Age = { minMs: 0, maxMs: null, exact: false };

/** What the age depends on besides the row. */
export interface AgeContext {
  /** net.ipv4.tcp_fin_timeout, ms. */
  readonly finTimeoutMs: number;
}

/**
 * Bounds of the time that a socket has spent in its present state, from one look at it.
 *
 * CLOSE-WAIT: the FIN came after the last data and was the last segment unless the peer acknowledged something since:
 * [last_ack_recv, last_data_recv], and exactly last_ack_recv when nothing could have drawn an acknowledgement after the FIN.
 * FIN-WAIT-2 of a descriptor: entered by an acknowledgement, after our last data: [last_ack_recv, last_data_sent].
 * TIME-WAIT and orphaned FIN-WAIT-2: what is left of the timer, ≈ because a repeated FIN restarts it.
 * ESTABLISHED: at least as long as the oldest activity.
 */
export function ageOf(table: SocketTable, row: number, context: AgeContext): Age {
  const state = kernelStateOf(table, row);
  const timer = timerOf(table, row);
  if (timer === 'time-wait') {
    const whole = state === KERNEL_STATE['TIME-WAIT'] ? TIME_WAIT_MS : context.finTimeoutMs;
    const passed = Math.max(0, whole - table.expires[row]);
    return { minMs: passed, maxMs: passed, exact: false };
  }
  const { info } = table;
  if (info === null || info.known[row] === 0) return UNKNOWN_AGE;
  const sent = info.lastDataSent[row];
  const received = info.lastDataRecv[row];
  const acked = info.lastAckRecv[row];
  switch (state) {
    case KERNEL_STATE['CLOSE-WAIT']: {
      const minMs = Math.min(acked, received);
      const exact = timer === 'none' && table.sendQ[row] === 0 && sent >= acked;
      return exact
        ? { minMs, maxMs: minMs, exact: true }
        : { minMs, maxMs: Math.max(minMs, received), exact: false };
    }
    case KERNEL_STATE['FIN-WAIT-2']:
      return { minMs: Math.min(acked, sent), maxMs: Math.max(acked, sent), exact: false };
    case KERNEL_STATE.ESTABLISHED:
      return { minMs: Math.max(sent, received, acked), maxMs: null, exact: false };
    default:
      return UNKNOWN_AGE;
  }
}
