import type { Socket } from 'node:net';

import type { TimeoutError } from '../../timeout-error.ts';
import { connectionWatchOf } from '../connection-watch.ts';
import { Exchange } from '../exchange.ts';
import type { Line } from './line.ts';
import { expectSocketOf } from './socket-of-request.ts';

/** An exchange over an undici dispatcher; each of undici's kinds of handlers has its subclass. */
export abstract class DispatchExchange extends Exchange {
  /** The request was given away to its last byte. */
  hasSent = false;
  protected hasAnswer = false;
  /** undici paused the response, and a stream that shares its connection does not show it. */
  protected hasPaused = false;
  protected isOver = false;
  #socket: Socket | undefined;
  #line: Line | undefined;
  #abort: ((error: Error) => void) | undefined;
  /** The limit that was over before undici gave the means to abort: the handler has been told. */
  #error: Error | undefined;

  protected get isSent(): boolean {
    return this.hasSent;
  }

  protected get isAnswered(): boolean {
    return this.hasAnswer;
  }

  /** undici reads to the last byte, or pauses. */
  protected get isReceived(): boolean {
    return false;
  }

  /** A parser of undici that is paused leaves what arrives in the socket. */
  protected get isPaused(): boolean {
    return this.hasPaused || (this.#socket?.readableLength ?? 0) > 0;
  }

  /** A client has taken the request, which starts when its connection is there. */
  assign(line: Line): void {
    this.#leaveLine();
    this.leaveQueue();
    this.#line = line;
    line.waiting++;
  }

  /** undici has told which socket the request goes to. */
  override attach(socket: Socket): void {
    this.#socket = socket;
    super.attach(socket);
  }

  override abandon(error: Error): void {
    if (this.#abort) {
      this.#abort(error);
      return;
    }
    this.#error = error;
    const line = this.#line;
    const isAlone = line?.waiting === 1;
    this.#leaveLine();
    this.tell(error as TimeoutError);
    if (isAlone && line?.socket && !isReady(line.socket)) line.socket.destroy(error);
  }

  /** Gives the handler its error while undici cannot. */
  protected abstract tell(error: TimeoutError): void;

  /** The handler has been told of its end already. */
  protected get wasTold(): boolean {
    return this.#error !== undefined;
  }

  /**
   * The request is about to be written.
   * @returns false when its time was up before: it has been aborted
   */
  protected start(abort: (error: Error) => void): boolean {
    const socket = this.#line?.socket;
    this.#leaveLine();
    if (this.#error) {
      abort(this.#error);
      return false;
    }
    this.#abort = abort;
    this.hasSent = false;
    if (socket) this.attach(socket);
    else this.leaveQueue();
    return true;
  }

  /** The handler was told of the start, and has perhaps aborted at once. */
  protected started(): void {
    expectSocketOf(this.#socket || this.isOver ? undefined : this);
  }

  protected get isMultiplexed(): boolean {
    return this.#socket !== undefined && 'alpnProtocol' in this.#socket
      ? this.#socket.alpnProtocol === 'h2'
      : false;
  }

  override end(): void {
    this.isOver = true;
    this.#leaveLine();
    super.end();
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
