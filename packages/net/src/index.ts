/** Sockets for Node that cannot leak. @packageDocumentation */
export {
  ConnectionError,
  ConnectionRefusedError,
  ConnectionResetError,
  type Errno,
  LookupError,
  NetError,
  SocketClosedError,
  UnreachableError,
} from './net-error.ts';
export {
  ConnectTimeoutError,
  HeadersTimeoutError,
  IdleTimeoutError,
  LookupTimeoutError,
  PoolTimeoutError,
  ReadTimeoutError,
  TimeoutError,
  type TimeoutFacts,
  TlsTimeoutError,
  TotalTimeoutError,
  WriteTimeoutError,
} from './timeout-error.ts';
export type { TimeoutPhase, Timeouts } from './timeouts.ts';
