import { checkTimeouts, type TimeoutPhase, type Timeouts } from '../timeouts.ts';

/** Timeouts with every phase there: `Infinity` where there is no limit. */
export type Limits = Readonly<Record<TimeoutPhase, number>>;

/**
 * @throws RangeError when a limit is no positive number of milliseconds
 * @throws TypeError when it is no object, or has a name that is none of a phase
 */
export function limitsOf(timeouts: Timeouts, defaults: Timeouts = {}): Limits {
  checkTimeouts(timeouts);
  const limit = (phase: TimeoutPhase): number => timeouts[phase] ?? defaults[phase] ?? Infinity;
  return {
    lookup: limit('lookup'),
    connect: limit('connect'),
    tls: limit('tls'),
    write: limit('write'),
    headers: limit('headers'),
    read: limit('read'),
    idle: limit('idle'),
    pool: limit('pool'),
    total: limit('total'),
  };
}
