import { NetError } from './net-error.ts';
import type { TimeoutPhase } from './timeouts.ts';

/** What was known when the time was up. */
export interface TimeoutFacts {
  /** The limit that ran out, in milliseconds. */
  readonly timeoutMs: number;
  /** Since the start of the phase, in milliseconds; at least `timeoutMs`, more when the event loop was busy. */
  readonly elapsedMs: number;
  /** Bytes of this exchange that the kernel took. */
  readonly bytesWritten: number;
  /** Bytes of this exchange that arrived. */
  readonly bytesRead: number;
  /** Who was waited for, as `host:port`, a Unix socket's path or a URL without its query. */
  readonly target: string;
}

/**
 * A phase took longer than its limit. The socket is destroyed by the time this is thrown.
 *
 * `safeToRetry` is true only when nothing was written: the peer cannot have acted on the request.
 */
export class TimeoutError extends NetError {
  override readonly name: string = 'TimeoutError';
  /** What took too long. */
  readonly phase: TimeoutPhase;
  /** The limit that ran out, in milliseconds. */
  readonly timeoutMs: number;
  /** Since the start of the phase, in milliseconds; at least `timeoutMs`, more when the event loop was busy. */
  readonly elapsedMs: number;
  /** Bytes of this exchange that the kernel took. */
  readonly bytesWritten: number;
  /** Bytes of this exchange that arrived. */
  readonly bytesRead: number;
  /** Nothing was written: the peer cannot have acted on the request. */
  readonly safeToRetry: boolean;

  constructor(phase: TimeoutPhase, facts: TimeoutFacts, options?: ErrorOptions) {
    const written =
      facts.bytesWritten === 0 ? 'nothing written' : `${facts.bytesWritten} B written`;
    super(
      `ERR_${phase.toUpperCase()}_TIMEOUT`,
      `${WHAT[phase]} ${facts.target}: ${SILENT.has(phase) ? 'no byte for' : 'no end after'} ${facts.timeoutMs} ms (${written}, ${facts.bytesRead} B read)`,
      options,
    );
    this.phase = phase;
    this.timeoutMs = facts.timeoutMs;
    this.elapsedMs = facts.elapsedMs;
    this.bytesWritten = facts.bytesWritten;
    this.bytesRead = facts.bytesRead;
    this.safeToRetry = facts.bytesWritten === 0;
  }
}

/** The name was not resolved in time. Code `ERR_LOOKUP_TIMEOUT`. */
export class LookupTimeoutError extends TimeoutError {
  override readonly name = 'LookupTimeoutError';
  constructor(facts: TimeoutFacts, options?: ErrorOptions) {
    super('lookup', facts, options);
  }
}

/** The TCP handshake was not done in time. Code `ERR_CONNECT_TIMEOUT`. */
export class ConnectTimeoutError extends TimeoutError {
  override readonly name = 'ConnectTimeoutError';
  constructor(facts: TimeoutFacts, options?: ErrorOptions) {
    super('connect', facts, options);
  }
}

/** The TLS handshake was not done in time. Code `ERR_TLS_TIMEOUT`. */
export class TlsTimeoutError extends TimeoutError {
  override readonly name = 'TlsTimeoutError';
  constructor(facts: TimeoutFacts, options?: ErrorOptions) {
    super('tls', facts, options);
  }
}

/** The peer took no byte for too long. Code `ERR_WRITE_TIMEOUT`. */
export class WriteTimeoutError extends TimeoutError {
  override readonly name = 'WriteTimeoutError';
  constructor(facts: TimeoutFacts, options?: ErrorOptions) {
    super('write', facts, options);
  }
}

/** The head of the response was not complete in time. Code `ERR_HEADERS_TIMEOUT`. */
export class HeadersTimeoutError extends TimeoutError {
  override readonly name = 'HeadersTimeoutError';
  constructor(facts: TimeoutFacts, options?: ErrorOptions) {
    super('headers', facts, options);
  }
}

/** The peer sent nothing for too long. Code `ERR_READ_TIMEOUT`. */
export class ReadTimeoutError extends TimeoutError {
  override readonly name = 'ReadTimeoutError';
  constructor(facts: TimeoutFacts, options?: ErrorOptions) {
    super('read', facts, options);
  }
}

/** Nothing went in either direction for too long. Code `ERR_IDLE_TIMEOUT`. */
export class IdleTimeoutError extends TimeoutError {
  override readonly name = 'IdleTimeoutError';
  constructor(facts: TimeoutFacts, options?: ErrorOptions) {
    super('idle', facts, options);
  }
}

/** No connection of the pool became free in time. Code `ERR_POOL_TIMEOUT`. */
export class PoolTimeoutError extends TimeoutError {
  override readonly name = 'PoolTimeoutError';
  constructor(facts: TimeoutFacts, options?: ErrorOptions) {
    super('pool', facts, options);
  }
}

/** The whole exchange took too long. Code `ERR_TOTAL_TIMEOUT`. */
export class TotalTimeoutError extends TimeoutError {
  override readonly name = 'TotalTimeoutError';
  constructor(facts: TimeoutFacts, options?: ErrorOptions) {
    super('total', facts, options);
  }
}

/** Their limits begin anew with each byte. */
const SILENT: ReadonlySet<TimeoutPhase> = new Set(['write', 'read', 'idle']);

const WHAT: Readonly<Record<TimeoutPhase, string>> = {
  lookup: 'resolving',
  connect: 'connecting to',
  tls: 'TLS handshake with',
  write: 'writing to',
  headers: 'response head from',
  read: 'reading from',
  idle: 'idle connection to',
  pool: 'waiting for a connection to',
  total: 'exchange with',
};

const CLASSES = {
  lookup: LookupTimeoutError,
  connect: ConnectTimeoutError,
  tls: TlsTimeoutError,
  write: WriteTimeoutError,
  headers: HeadersTimeoutError,
  read: ReadTimeoutError,
  idle: IdleTimeoutError,
  pool: PoolTimeoutError,
  total: TotalTimeoutError,
} as const satisfies Record<TimeoutPhase, unknown>;

/** The error of a phase, of its own class. */
export function timeoutError(
  phase: TimeoutPhase,
  facts: TimeoutFacts,
  options?: ErrorOptions,
): TimeoutError {
  return new CLASSES[phase](facts, options);
}
