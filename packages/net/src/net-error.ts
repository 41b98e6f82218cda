/** The base of every error that this package makes; `code` is stable, the message is for people. */
export class NetError extends Error {
  override readonly name: string = 'NetError';
  /** `ERR_…` of this package, or the errno of the kernel. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Something was asked of a socket after `close()` or `abort()` was called on it. Code `ERR_SOCKET_CLOSED`. */
export class SocketClosedError extends NetError {
  override readonly name = 'SocketClosedError';

  constructor(message: string, options?: ErrorOptions) {
    super('ERR_SOCKET_CLOSED', message, options);
  }
}

/** What the kernel said, as its errno name: the `code` of the errors of a connection. */
export type Errno =
  | 'ECONNREFUSED'
  | 'ECONNRESET'
  | 'EPIPE'
  | 'EHOSTUNREACH'
  | 'ENETUNREACH'
  | 'ETIMEDOUT'
  | (string & {});

/**
 * The connection could not be made or was lost; `cause` is Node's own error, `code` its errno.
 *
 * `safeToRetry` is true only when nothing was written: the peer cannot have acted on the request.
 */
export class ConnectionError extends NetError {
  override readonly name: string = 'ConnectionError';
  /** Nothing was written: the peer cannot have acted on the request. */
  readonly safeToRetry: boolean;

  constructor(errno: Errno, message: string, options: ErrorOptions & { safeToRetry: boolean }) {
    super(errno, message, options);
    this.safeToRetry = options.safeToRetry;
  }
}

/** Nobody listens there: the peer's kernel answered the SYN with a RST (RFC 9293 §3.10.7.3). */
export class ConnectionRefusedError extends ConnectionError {
  override readonly name = 'ConnectionRefusedError';
}

/** The peer sent a RST, or a write met a connection that it had reset (`ECONNRESET`, `EPIPE`). */
export class ConnectionResetError extends ConnectionError {
  override readonly name = 'ConnectionResetError';
}

/** No route to the host or its network (`EHOSTUNREACH`, `ENETUNREACH`, `ENETDOWN`, `EHOSTDOWN`). */
export class UnreachableError extends ConnectionError {
  override readonly name = 'UnreachableError';
}

/** The name could not be resolved (`ENOTFOUND`, `EAI_AGAIN`, …). */
export class LookupError extends ConnectionError {
  override readonly name = 'LookupError';
}
