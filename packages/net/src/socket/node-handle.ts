import type { Socket } from 'node:net';

/**
 * What Node knows of a socket and has no public name for. The one file that reads these fields: each may be missing, and
 * what is said instead is stated.
 */
interface Handle {
  readonly fd?: number;
  /** Bytes that libuv holds and the kernel has not taken. */
  readonly writeQueueSize?: number;
  /** Bytes that were given to libuv. */
  readonly bytesWritten?: number;
  /** Of a TLSWrap: the handle that it encrypts for. */
  readonly _parent?: Handle;
  close?(done: () => void): void;
  /** Closes with a RST; only a TCP handle has it. */
  reset?(done: () => void): void;
}

/* oxlint-disable no-underscore-dangle -- these are Node's names */

interface WithHandle {
  readonly _handle?: Handle | null;
  /** Of a TLS socket that was made from another socket: that one. */
  readonly _parent?: Socket | null;
  readonly _readableState?: { readonly pipes?: readonly unknown[] };
  /** Of a socket of node:http: what reads it. */
  readonly parser?: object | null;
}

/** Whether it has a pipe to another stream; false where nobody can say. */
export function isPiped(socket: Socket): boolean {
  return ((socket as WithHandle)._readableState?.pipes?.length ?? 0) > 0;
}

/** Whether node:http reads it, so that what arrives belongs to its messages. */
export function isReadByHttp(socket: Socket): boolean {
  return Boolean((socket as WithHandle).parser);
}

/** The descriptor of a TCP socket, also below TLS; null when it is closed, not made yet, or no TCP. */
export function tcpDescriptorOf(socket: Socket): number | null {
  const handle = (socket as WithHandle)._handle;
  const tcp = handle?._parent ?? handle;
  return tcp?.reset !== undefined && tcp.fd !== undefined && tcp.fd >= 0 ? tcp.fd : null;
}

/**
 * Bytes that were written and that the kernel has not taken. Node's `writableLength` counts a write of which the kernel
 * has taken a part as a whole, so it is the answer only where there is no handle.
 */
export function unsentBytes(socket: Socket): number {
  const handle = (socket as WithHandle)._handle;
  if (!handle || socket.connecting || socket.writableLength === 0) return socket.writableLength;
  const waiting = Math.max(0, socket.bytesWritten - (handle.bytesWritten ?? 0));
  return waiting + ((handle._parent ?? handle).writeQueueSize ?? socket.writableLength);
}

/**
 * Bytes that the kernel has taken from this socket; of TLS the encrypted ones. `socket.bytesWritten` counts what was
 * queued, so a peer that never reads seems to have got everything.
 */
export function bytesTaken(socket: Socket): number {
  const handle = (socket as WithHandle)._handle;
  const stream = handle?._parent ?? handle;
  if (stream?.bytesWritten !== undefined && stream.writeQueueSize !== undefined) {
    return stream.bytesWritten - stream.writeQueueSize;
  }
  // Only whole writes: good enough where the handle is of an unknown kind.
  return Math.max(0, socket.bytesWritten - socket.writableLength);
}

/** The socket that a TLS socket was made from, or null. */
export function socketBelow(socket: Socket): Socket | null {
  return (socket as WithHandle)._parent ?? null;
}

/**
 * Destroys a socket with a RST at once where there is one to send: TCP and TLS over it; otherwise it is `destroy()`.
 *
 * Node's `resetAndDestroy()` flushes first, so a peer that does not read would hold it up for ever, and refuses TLS sockets.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  const isShuttingDown = socket.writableEnded && socket.writableLength === 0;
  if (isShuttingDown && !socket.writableFinished) {
    // During shutdown(2) libuv refuses to reset (EINVAL), and Node would never close the handle after that. It takes one
    // turn; under TLS longer when even the close_notify finds no room, and then there is no RST.
    setImmediate(() => {
      if (socket.writableFinished) resetOnClose(socket);
      socket.destroy();
    });
    return;
  }
  resetOnClose(socket);
  socket.destroy();
}

/** Lets the close(2) that ends every destroy() send a RST. */
function resetOnClose(socket: Socket): void {
  const handle = (socket as WithHandle)._handle;
  const tcp = handle?._parent ?? handle;
  if (tcp?.reset !== undefined) tcp.close = tcp.reset.bind(tcp);
}
