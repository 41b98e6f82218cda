import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/**
 * Closes a socket whose work is not done, so that the peer notices: with a FIN, a response that ends with its
 * connection would look whole. TLS shows the cut by itself, and a Unix socket has no RST.
 */
export function destroyNow(socket: Socket): void {
  if (socket instanceof TLSSocket || socket.remoteAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
