import { KERNEL_STATE, type TcpState } from '../src/tcp/state.ts';
import type { TraceRecord } from '../src/trace/trace-record.ts';

export const CLIENT = { pid: 11, command: 'client' };
export const SERVER = { pid: 22, command: 'server' };
const LOOPBACK = 0x0100_007f;

/** A change of an IPv4 socket on loopback, from port 4000 to port 80. */
export function traceRecord(
  from: TcpState,
  to: TcpState,
  more: Partial<TraceRecord> = {},
): TraceRecord {
  return {
    atMs: 0,
    socket: 1,
    netns: 5,
    from: KERNEL_STATE[from],
    to: KERNEL_STATE[to],
    family: 2,
    localPort: 4000,
    remotePort: 80,
    addresses: Uint32Array.of(LOOPBACK, 0, 0, 0, LOOPBACK, 0, 0, 0),
    at: 0,
    error: 0,
    running: CLIENT,
    finReceived: false,
    orphaned: false,
    unread: 0,
    acked: 0,
    received: 0,
    ...more,
  };
}

/** A server's socket: from port 80 to port 4000. */
export function serverRecord(
  from: TcpState,
  to: TcpState,
  more: Partial<TraceRecord> = {},
): TraceRecord {
  return traceRecord(from, to, {
    socket: 2,
    localPort: 80,
    remotePort: 4000,
    running: SERVER,
    ...more,
  });
}
