import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { closeGracefully } from '../socket/close-gracefully.ts';
import {
  checkCloseOptions,
  closeLimits,
  type CloseLimits,
  type CloseOptions,
} from '../socket/close-report.ts';

/** nginx's `lingering_time` and `lingering_timeout`; an upload may have any size. */
const DEFAULTS: CloseOptions = { deadline: 30_000, idle: 5000, discardLimit: Infinity };

/**
 * Sends what is queued and the FIN, and reads on until the peer closes, too.
 *
 * A close with unread bytes, or with bytes that arrive after it, sends a RST, and the RST makes the peer's kernel
 * throw away what it has received and the peer's program has not yet read: the response. RFC 9112 §9.6.
 */
export function linger(socket: Socket, limits: CloseLimits): void {
  void closeGracefully(socket, limits);
}

/** @throws RangeError when one is no number from 0 on */
export function lingerLimits(options: CloseOptions = {}): CloseLimits {
  checkCloseOptions('linger', options);
  return closeLimits(options, DEFAULTS);
}

/**
 * Makes an early response arrive: a 413, 401 or 429 that is sent while the request is still being uploaded. Call it
 * before `response.end()`. It sets `Connection: close`; after the response the server sends its FIN and reads and
 * discards what still comes, instead of closing at once, which would reset the connection and lose the response.
 *
 * `gracefulServer()` does this by itself for all its HTTP/1 responses with `Connection: close`; HTTP/2 does not need it.
 * @param options by default 30 s in all, 5 s without a byte, and any number of bytes
 * @throws RangeError when a limit is no number from 0 on
 * @example lingeringClose(response); response.writeHead(413).end('too large');
 */
export function lingeringClose(response: ServerResponse, options?: CloseOptions): void {
  const { socket } = response;
  const limits = lingerLimits(options);
  if (!response.headersSent) response.setHeader('Connection', 'close');
  // Node calls this after a response with `Connection: close`.
  if (socket !== null) socket.destroySoon = () => linger(socket, limits);
}
