/* oxlint-disable eslint/no-underscore-dangle -- Node's own names */
import type { Socket } from 'node:net';

/** libuv's stream under a socket; Node gives no public name to what the kernel has taken of a write. */
interface StreamHandle {
  readonly bytesWritten?: unknown;
  readonly writeQueueSize?: unknown;
  /** The TCP handle under a TLS one. */
  readonly _parent?: StreamHandle | null;
}

/**
 * Bytes that the kernel has taken from this socket, of all its exchanges; of TLS the encrypted ones.
 *
 * `socket.bytesWritten` counts what was queued, so a peer that never reads seems to have got everything.
 */
export function bytesTaken(socket: Socket): number {
  const handle = (socket as { _handle?: StreamHandle | null })._handle;
  const stream = handle?._parent ?? handle;
  if (typeof stream?.bytesWritten === 'number' && typeof stream.writeQueueSize === 'number') {
    return stream.bytesWritten - stream.writeQueueSize;
  }
  // Never less than nothing, and only whole writes: good enough where the handle is of an unknown kind.
  return Math.max(0, socket.bytesWritten - socket.writableLength);
}
