import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How long a socket whose FIN is sent is still read, in milliseconds. nginx's names and defaults. */
export interface LingerLimits {
  /** The longest time without a byte (`lingering_timeout`). Default 5000. */
  readonly idle?: number | undefined;
  /** All of it (`lingering_time`). Default 30,000. */
  readonly total?: number | undefined;
}

const lingering = new WeakSet<Socket>();

/**
 * Sends what is queued and the FIN, and reads on until the peer closes, too.
 *
 * A close with unread bytes, or with bytes that arrive after it, sends a RST, and the RST makes the peer's kernel
 * throw away what it has received and the peer's program has not yet read: the response. RFC 9112 §9.6.
 */
export function linger(socket: Socket, { idle = 5000, total = 30_000 }: LingerLimits = {}): void {
  if (lingering.has(socket) || socket.destroyed) return;
  lingering.add(socket);
  socket.end();
  socket.resume();
  let read = socket.bytesRead;
  const quiet = setInterval(() => {
    if (socket.bytesRead === read) socket.destroy();
    read = socket.bytesRead;
  }, idle);
  const limit = setTimeout(() => socket.destroy(), total);
  socket.once('close', () => {
    clearInterval(quiet);
    clearTimeout(limit);
  });
}

/**
 * Makes an early response arrive: a 413, 401 or 429 that is sent while the request is still being uploaded. Call it
 * before `response.end()`. It sets `Connection: close`; after the response the server sends its FIN and reads and
 * discards what still comes, instead of closing at once, which would reset the connection and lose the response.
 *
 * `gracefulServer()` does this by itself for all its HTTP/1 responses with `Connection: close`. On HTTP/2 there is
 * nothing to do.
 * @example lingeringClose(response); response.writeHead(413).end('too large');
 */
export function lingeringClose(response: ServerResponse, limits?: LingerLimits): void {
  const { socket } = response;
  if (!response.headersSent) response.setHeader('Connection', 'close');
  if (socket !== null) socket.destroySoon = () => linger(socket, limits);
}
