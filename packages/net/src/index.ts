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
export { LeakError } from './guard/leak-error.ts';
export type { OpenSocket, SocketKind } from './guard/open-socket.ts';
export type { CodeLine, Origin } from './guard/origin.ts';
export type { TestRef } from './guard/socket-tracker.ts';
export {
  type LeakScope,
  type SocketTracking,
  type TestContextOptions,
  type TrackOptions,
  trackSockets,
} from './guard/track-sockets.ts';
export type { OnUpgraded } from './graceful/foreign-connection.ts';
export {
  gracefulServer,
  type GracefulServer,
  type GracefulServerOptions,
} from './graceful/graceful-server.ts';
export { lingeringClose } from './graceful/lingering-close.ts';
export type { Readiness } from './graceful/readiness.ts';
export type { ShutdownReport } from './graceful/shutdown-report.ts';
export { closeGracefully } from './socket/close-gracefully.ts';
export type {
  CloseOptions,
  CloseOutcome,
  CloseReport,
  SocketCloseOptions,
} from './socket/close-report.ts';
export {
  connect,
  type ConnectCommonOptions,
  type ConnectOptions,
  type ConnectPathOptions,
  type ConnectTcpOptions,
  type SocketTimeouts,
  type TlsClientOptions,
} from './socket/connect.ts';
export { type ConnectionHandler, listen, type ListenOptions } from './socket/listen.ts';
export { Listener, type ListenerCloseOptions, type ListenerReport } from './socket/listener.ts';
export { SafeSocket } from './socket/safe-socket.ts';
export { type HttpRequestOptions, request } from './http/request.ts';
export { HttpResponse } from './http/http-response.ts';
export {
  HttpsTimeoutAgent,
  HttpTimeoutAgent,
  type TimeoutAgentOptions,
} from './http/timeout-agent.ts';
