import { inspect } from 'node:util';
import { checkOptions, type OptionKind } from '../options.ts';
import type { SafeSocket } from './safe-socket.ts';

/** How a socket is to be closed. Times are milliseconds from the call of `close()`. */
export interface CloseOptions {
  /** The longest time that closing may take; then the connection is reset. Default 10 000. */
  readonly deadline?: number | undefined;
  /** Give up on a peer that sends neither a byte nor its FIN for so long after our FIN. Default 5 000, as nginx. */
  readonly idle?: number | undefined;
  /** Give up on a peer that sends more than this many bytes that nobody reads after `close()`. Default 16 MiB. */
  readonly discardLimit?: number | undefined;
}

/** `CloseOptions` of a socket, with what to do with its report. */
export interface SocketCloseOptions extends CloseOptions {
  /** Told once how the socket ended, whoever closed it: `await using` drops the report. What it throws is not caught. */
  readonly onReport?: ((report: CloseReport, socket: SafeSocket) => void) | undefined;
}

/**
 * What the end of a connection was.
 *
 * - `graceful`: all was sent, and the peer's FIN came.
 * - `deadline`: a limit of `CloseOptions` ran out first; the connection was reset.
 * - `peer-reset`: the peer sent a RST.
 * - `aborted`: `abort()`, a signal, a time-out or another error ended it; `error` says which.
 */
export type CloseOutcome = 'graceful' | 'deadline' | 'peer-reset' | 'aborted';

/** What became of a connection and of the bytes on it. */
export interface CloseReport {
  /** How it ended. */
  readonly outcome: CloseOutcome;
  /** Our FIN was given to the kernel, after the last byte. */
  readonly finSent: boolean;
  /** The peer's FIN was read. */
  readonly peerFin: boolean;
  /**
   * `acked`: the peer's kernel has acknowledged every byte; its program may not have read them. `unacked`: it had not when
   * the socket was released. `unknown`: nobody could say (no koffi, no Linux, no TCP, or a reset came first).
   */
  readonly delivery: 'acked' | 'unacked' | 'unknown';
  /** Bytes that the kernel took and the peer's kernel had not acknowledged; of TLS, of the ciphertext. Where known. */
  readonly unackedBytes?: number;
  /** Bytes that were written and that the kernel never took; after a reset an upper bound. */
  readonly unsentBytes: number;
  /** Bytes that arrived and that nobody read. */
  readonly discardedBytes: number;
  /** From the first call of `close()` or `abort()`, or from the failure, to the release of the descriptor; milliseconds. */
  readonly durationMs: number;
  /** What ended the connection when it was not `close()`. */
  readonly error?: unknown;
}

export interface CloseLimits {
  readonly deadline: number;
  readonly idle: number;
  readonly discardLimit: number;
}

/** @throws TypeError for an option that is unknown or no function; limits are checked by `closeLimits()` */
export function checkCloseOptions(
  where: string,
  options: SocketCloseOptions | undefined,
  more: Readonly<Record<string, OptionKind>> = {},
): void {
  const limits = { deadline: 'any', idle: 'any', discardLimit: 'any' } as const;
  checkOptions<object>(where, options, { ...limits, ...more });
}

const DEFAULTS: CloseLimits = { deadline: 10_000, idle: 5_000, discardLimit: 16 * 1024 * 1024 };

/** @throws RangeError when a limit is no number from 0 on */
export function closeLimits(options: CloseOptions = {}, defaults: CloseOptions = {}): CloseLimits {
  return {
    deadline: limitOf('deadline', options, defaults),
    idle: limitOf('idle', options, defaults),
    discardLimit: limitOf('discardLimit', options, defaults),
  };
}

function limitOf(name: keyof CloseLimits, options: CloseOptions, defaults: CloseOptions): number {
  const limit: unknown = options[name] ?? defaults[name] ?? DEFAULTS[name];
  if (typeof limit !== 'number' || !(limit >= 0)) {
    throw new RangeError(`close.${name} must be a number from 0 on, not ${inspect(limit)}`);
  }
  return limit;
}
