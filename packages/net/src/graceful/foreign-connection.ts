import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { resetSocket } from '../socket/node-handle.ts';
import type { Connection } from './connection.ts';
import type { ShutdownTally } from './shutdown-report.ts';

/** Closes a socket in the way of its own protocol; what it throws is not caught. */
export type OnUpgraded = (socket: Socket, request: IncomingMessage | undefined) => unknown;

/** A connection whose protocol is the application's: upgraded from HTTP, or of a `net.Server`. */
export class ForeignConnection implements Connection {
  readonly #socket: Socket;
  readonly #request: IncomingMessage | undefined;
  readonly #onUpgraded: OnUpgraded | undefined;
  readonly #tally: ShutdownTally;
  #end: 'closed' | 'forced' | undefined;

  constructor(
    socket: Socket,
    request: IncomingMessage | undefined,
    onUpgraded: OnUpgraded | undefined,
    tally: ShutdownTally,
  ) {
    this.#socket = socket;
    this.#request = request;
    this.#onUpgraded = onUpgraded;
    this.#tally = tally;
  }

  drain(): void {
    this.#end = 'closed';
    // Not from here: an error in it must not end the shutdown of the others, nor go unseen.
    queueMicrotask(() => this.#onUpgraded?.(this.#socket, this.#request));
  }

  destroy(): number {
    this.#end = 'forced';
    resetSocket(this.#socket);
    return 0;
  }

  release(): void {
    if (this.#end !== undefined) this.#tally.upgraded[this.#end]++;
  }
}
