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
export type { OnUpgraded } from './graceful/foreign-connection.ts';
export {
  gracefulServer,
  type GracefulServer,
  type GracefulServerOptions,
} from './graceful/graceful-server.ts';
export { lingeringClose, type LingerLimits } from './graceful/lingering-close.ts';
export type { Readiness } from './graceful/readiness.ts';
export type { ShutdownReport } from './graceful/shutdown-report.ts';
