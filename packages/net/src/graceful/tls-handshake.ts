import type { Socket } from 'node:net';
import type { Connection, DrainLimits } from './connection.ts';

/** A TCP connection of a TLS server whose handshake is not done: no request can have been sent. */
export class TlsHandshake implements Connection {
  readonly #socket: Socket;
  readonly #limits: DrainLimits;
  #patience: NodeJS.Timeout | undefined;

  constructor(socket: Socket, limits: DrainLimits) {
    this.#socket = socket;
    this.#limits = limits;
  }

  drain(): void {
    this.#patience = setTimeout(() => this.#socket.destroy(), this.#limits.idleGrace);
  }

  destroy(): number {
    this.#socket.destroy();
    return 0;
  }

  release(): void {
    clearTimeout(this.#patience);
  }
}
