import {
  ConnectionError,
  ConnectionRefusedError,
  ConnectionResetError,
  LookupError,
  UnreachableError,
} from './net-error.ts';

/** What is known of the exchange that an error ended. */
export interface ExchangeFacts {
  /** Who was spoken to, as `host:port`, a Unix socket's path or a URL without its query. */
  readonly target: string;
  /** Bytes of this exchange that the kernel took. */
  readonly bytesWritten: number;
}

const CLASS_BY_ERRNO: Readonly<Record<string, typeof ConnectionError>> = {
  ECONNREFUSED: ConnectionRefusedError,
  ENOENT: ConnectionRefusedError,
  ECONNRESET: ConnectionResetError,
  EPIPE: ConnectionResetError,
  EHOSTUNREACH: UnreachableError,
  ENETUNREACH: UnreachableError,
  EHOSTDOWN: UnreachableError,
  ENETDOWN: UnreachableError,
  ENOTFOUND: LookupError,
  EAI_AGAIN: LookupError,
  EAI_FAIL: LookupError,
  EAI_NODATA: LookupError,
};

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection: nothing listens there',
  ENOENT: 'refused the connection: there is no such socket file',
  ECONNRESET: 'reset the connection',
  EPIPE: 'no longer reads: it has closed the connection',
  EHOSTUNREACH: 'cannot be reached: no route to the host',
  ENETUNREACH: 'cannot be reached: no route to its network',
  ETIMEDOUT: "did not answer: the kernel's own retransmissions ended",
  ENOTFOUND: 'has no address',
};

/**
 * Node's error of a socket as one of this package's: the class by errno, `cause` the error itself.
 *
 * An AggregateError (several addresses tried) is named after its last attempt.
 */
export function connectionError(cause: Error, facts: ExchangeFacts): ConnectionError {
  const errno = errnoOf(cause);
  const Class = CLASS_BY_ERRNO[errno] ?? ConnectionError;
  const words = WORDS[errno] ?? `failed: ${cause.message || errno}`;
  return new Class(errno, `${facts.target} ${words}`, {
    cause,
    safeToRetry: facts.bytesWritten === 0,
  });
}

function errnoOf(error: Error): string {
  const last: unknown = error instanceof AggregateError ? error.errors.at(-1) : undefined;
  const source = last instanceof Error ? last : error;
  return 'code' in source && typeof source.code === 'string' ? source.code : 'UNKNOWN';
}
