import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { resetSocket } from '../socket/node-handle.ts';
import { afterReading } from './after-reading.ts';
import { announceClose } from './announced-close.ts';
import type { Connection, DrainLimits } from './connection.ts';
import { linger } from './lingering-close.ts';
import type { ShutdownTally } from './shutdown-report.ts';

/** One HTTP/1 connection: the requests under way on it, and its end. */
export class Http1Connection implements Connection {
  readonly #socket: Socket;
  readonly #limits: DrainLimits;
  readonly #tally: ShutdownTally;
  readonly #responses: ServerResponse[] = [];
  #lastRequest: IncomingMessage | undefined;
  #draining = false;
  /** The close is announced or the FIN is sent: what still arrives is not processed. */
  #closing = false;
  /** `bytesRead` when the last request was whole and nothing came behind it; unknown while a request arrives. */
  #bytesOfRequests: number | undefined;
  #cancelIdleEnd: (() => void) | undefined;

  constructor(socket: Socket, limits: DrainLimits, tally: ShutdownTally) {
    this.#socket = socket;
    this.#limits = limits;
    this.#tally = tally;
    this.#bytesOfRequests = socket.bytesRead;
    // Node calls this after a response with `Connection: close`.
    socket.destroySoon = () => this.#close();
  }

  /** Takes a request in. @returns whether it may be processed */
  accept(request: IncomingMessage, response: ServerResponse): boolean {
    if (!this.admit(request)) {
      request.resume();
      return false;
    }
    this.#cancelIdleEnd?.();
    this.#responses.push(response);
    response.once('close', () => this.#settle(response));
    if (this.#draining) this.#announceClose(response);
    return true;
  }

  /** Counts a request that comes too late. @returns whether it may be processed */
  admit(request: IncomingMessage): boolean {
    this.#lastRequest = request;
    this.#bytesOfRequests = undefined;
    if (this.#closing) this.#tally.droppedRequests++;
    return !this.#closing;
  }

  /** From now on every response is the last one, and being idle ends. */
  drain(): void {
    this.#draining = true;
    for (const response of this.#responses) this.#announceClose(response);
    if (this.#responses.length === 0) this.#awaitIdleEnd();
  }

  destroy(): number {
    const aborted = this.#responses.length;
    this.#closing = true;
    // With a FIN, a response that ends with its connection would look whole.
    resetSocket(this.#socket);
    return aborted;
  }

  release(): void {
    this.#cancelIdleEnd?.();
    Reflect.deleteProperty(this.#socket, 'destroySoon');
    const { bytesRead } = this.#socket;
    const hasRest = this.#bytesOfRequests !== undefined && bytesRead > this.#bytesOfRequests;
    if (this.#closing && hasRest) this.#tally.droppedRequests++;
  }

  #announceClose(response: ServerResponse): void {
    announceClose(response, () => {
      // A paused connection has more requests than it reads: Node waits for the client to take its responses.
      const isLast = this.#responses.at(-1) === response && !this.#socket.isPaused();
      if (isLast) this.#closing = true;
      return isLast;
    });
  }

  #settle(response: ServerResponse): void {
    this.#responses.splice(this.#responses.indexOf(response), 1);
    this.#noteRequests();
    if (response.writableFinished) this.#tally.completed++;
    if (this.#draining && this.#responses.length === 0 && !this.#closing) this.#awaitIdleEnd();
  }

  #noteRequests(): void {
    if (this.#lastRequest?.complete === true) this.#bytesOfRequests ??= this.#socket.bytesRead;
  }

  #awaitIdleEnd(): void {
    this.#noteRequests();
    // Node's keepAliveTimeout would destroy it, and a request that is on its way would go unseen.
    this.#socket.setTimeout(0);
    const read = this.#socket.bytesRead;
    this.#cancelIdleEnd = afterReading(this.#limits.idleGrace, () => {
      // The head of a request is arriving, or the rest of a body whose response was early.
      if (this.#socket.bytesRead > read) this.#awaitIdleEnd();
      else this.#close();
    });
  }

  #close(): void {
    this.#noteRequests();
    if (this.#draining) this.#closing = true;
    else if (this.#lastRequest?.complete !== false) {
      Socket.prototype.destroySoon.call(this.#socket);
      return;
    }
    linger(this.#socket, this.#limits.linger);
  }
}
