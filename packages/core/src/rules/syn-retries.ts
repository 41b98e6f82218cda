import type { Settings } from '../evidence/evidence.ts';
import { numberOf } from './settings.ts';

/** TCP_TIMEOUT_INIT (include/net/tcp.h). */
const FIRST_TIMEOUT_S = 1;
const DEFAULT_SYN_RETRIES = 6;
const DEFAULT_LINEAR_TIMEOUTS = 4;

/** When the kernel repeats a SYN, and when it gives up. A socket may have its own (TCP_SYNCNT, TCP_USER_TIMEOUT). */
export interface SynSchedule {
  readonly retries: number;
  readonly givesUpAfterMs: number;
  /**
   * How long ago the first SYN was sent.
   * @param repeated how often it was sent again
   * @param expiresMs until it is sent once more
   */
  elapsedMs(repeated: number, expiresMs: number): number;
}

/**
 * From Linux 6.5 on the first `tcp_syn_linear_timeouts` repetitions come at the same interval, and are granted on top of
 * tcp_syn_retries; then the interval doubles (net/ipv4/tcp_timer.c, tcp_retransmit_timer() and tcp_write_timeout()).
 * @param kernel as `uname -r` says
 */
export function synScheduleOf(settings: Settings | null, kernel: string): SynSchedule {
  const retries = numberOf(settings, 'net.ipv4.tcp_syn_retries', DEFAULT_SYN_RETRIES);
  const linear = numberOf(
    settings,
    'net.ipv4.tcp_syn_linear_timeouts',
    hasLinearTimeouts(kernel) ? DEFAULT_LINEAR_TIMEOUTS : 0,
  );
  const untilExpiry = (repeated: number): number => {
    let seconds = 0;
    for (let sent = 0; sent <= repeated; sent++) {
      seconds += FIRST_TIMEOUT_S * 2 ** Math.max(0, sent - linear);
    }
    return seconds * 1000;
  };
  return {
    retries,
    givesUpAfterMs: untilExpiry(retries + linear),
    elapsedMs: (repeated, expiresMs) => Math.max(0, untilExpiry(repeated) - expiresMs),
  };
}

function hasLinearTimeouts(kernel: string): boolean {
  const [major, minor] = kernel.split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 5);
}
