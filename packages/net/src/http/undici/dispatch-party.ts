import type { Socket } from 'node:net';

import type { TimeoutError } from '../../timeout-error.ts';
import { connectionWatchOf } from '../connection-watch.ts';
import { Exchange, type Party } from '../exchange.ts';
import type { Limits } from '../limits.ts';
import type { Line } from './line.ts';

/** An exchange over an undici dispatcher, whichever kind of handler tells of it. */
export class DispatchParty implements Party {
  readonly exchange: Exchange;
  isSent = false;
  isAnswered = false;
  readonly isReceived = false;
  /** Says whether the response is paused, where there is one. */
  controller: { readonly paused: boolean } | undefined;
  /** The same, said by a handler of the older kind. */
  hasPaused = false;
  hasSocket = false;
  isOver = false;
  /** The limit that was over before undici gave the means to abort: its handler has been told. */
  error: TimeoutError | undefined;
  readonly #tell: (error: TimeoutError) => void;
  #abort: ((error: Error) => void) | undefined;
  #line: Line | undefined;

  /** @param tell gives the handler its error while undici cannot */
  constructor(limits: Limits, target: string, tell: (error: TimeoutError) => void) {
    this.#tell = tell;
    this.exchange = new Exchange(this, limits, target);
  }

  get isPaused(): boolean {
    return this.controller?.paused ?? this.hasPaused;
  }

  /** A client has taken the request, which starts when its connection is there. */
  assign(line: Line): void {
    this.#leaveLine();
    this.exchange.leaveQueue();
    this.#line = line;
    line.waiting++;
  }

  /**
   * The request is about to be written.
   * @returns false when its time was up before: it has been aborted
   */
  start(abort: (error: Error) => void): boolean {
    const socket = this.#line?.socket;
    this.#leaveLine();
    if (this.error) {
      abort(this.error);
      return false;
    }
    this.#abort = abort;
    this.isSent = false;
    this.hasSocket = socket !== undefined;
    if (socket) this.exchange.attach(socket);
    else this.exchange.leaveQueue();
    return true;
  }

  end(): void {
    this.isOver = true;
    this.#leaveLine();
    this.exchange.end();
  }

  abandon(error: TimeoutError): void {
    if (this.#abort) {
      this.#abort(error);
      return;
    }
    this.error = error;
    const line = this.#line;
    const isAlone = line?.waiting === 1;
    this.#leaveLine();
    this.#tell(error);
    if (isAlone && line?.socket && !isReady(line.socket)) line.socket.destroy(error);
  }

  #leaveLine(): void {
    if (this.#line) this.#line.waiting--;
    this.#line = undefined;
  }
}

function isReady(socket: Socket): boolean {
  const connection = connectionWatchOf(socket);
  return connection !== undefined && connection.readyAt < Infinity;
}
