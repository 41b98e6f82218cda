import type { Socket } from 'node:net';

import { timeoutError } from '../timeout-error.ts';
import type { TimeoutPhase } from '../timeouts.ts';
import { connectionWatchOf } from './connection-watch.ts';
import { unwatch, watch, Watched } from './deadlines.ts';
import { bytesTaken } from '../socket/node-handle.ts';
import type { Limits } from './limits.ts';

/**
 * How often the bytes of a connection are looked at: a limit on silence is noticed that much late at most, and never
 * early. Looking costs less than to be told of every chunk.
 */
const LOOK_EVERY_MS = 25;
/** The first look sees what silence is counted from: the request is written by then. */
const FIRST_LOOK_MS = 10;

/**
 * The clocks of one request and its response, from the call to the last byte. Each client says by its own subclass where
 * the exchange is.
 */
export abstract class Exchange extends Watched {
  /** For messages: who is spoken to. */
  readonly target: string;
  /** The request was given to the socket to its last byte. */
  protected abstract get isSent(): boolean;
  /** The head of the response is here. */
  protected abstract get isAnswered(): boolean;
  /** The response is here to its last byte, though perhaps not read. */
  protected abstract get isReceived(): boolean;
  /** Nobody reads the response now, so the peer may not send. */
  protected abstract get isPaused(): boolean;
  readonly #limits: Limits;
  readonly #startedAt = performance.now();
  #isQueued = true;
  #socket: Socket | undefined;
  #isConnected = false;
  /** The socket's counters when the exchange got it, and at the last look. */
  #takenBefore = 0;
  #readBefore = 0;
  #taken = 0;
  #read = 0;
  /** Whether the peer was to take, or to send, bytes at the last look; and since when it has not. */
  #wasWriting = false;
  #wasReading = false;
  #noneTakenSince = 0;
  #noneReadSince = 0;
  #sentAt = Infinity;
  #lastTrafficAt = 0;
  #looksAt: number;

  constructor(limits: Limits, target: string) {
    super();
    this.#limits = limits;
    this.target = target;
    const { pool, total } = limits;
    this.#looksAt = this.#startedAt + Math.min(pool, total, this.#looksEvery(FIRST_LOOK_MS));
    watch(this, this.#looksAt);
  }

  /** Ends the exchange with this error and destroys its socket, also one that is being connected. */
  abstract abandon(error: Error): void;

  /** A connection was chosen, though it may still have to be made: the pool's limit is over. */
  leaveQueue(): void {
    this.#isQueued = false;
  }

  /** The exchange has this socket for itself from now on. */
  attach(socket: Socket): void {
    this.#isQueued = false;
    this.#socket = socket;
    const connection = connectionWatchOf(socket);
    if (connection) connection.exchange = this;
    if (connection && connection.readyAt === Infinity) return;
    this.#connected(performance.now(), bytesTaken(socket), socket.bytesRead);
  }

  /** Bytes of this exchange that the kernel took; encrypted ones with TLS. */
  bytesWritten(): number {
    const socket = this.#socket;
    if (!socket) return this.#taken - this.#takenBefore;
    const connection = connectionWatchOf(socket);
    if (this.#isConnected) {
      return (connection ? connection.bytesTaken : bytesTaken(socket)) - this.#takenBefore;
    }
    const isReady = connection !== undefined && connection.readyAt < Infinity;
    return isReady ? connection.bytesTaken - connection.bytesAtReady : 0;
  }

  /** Stops the clocks. */
  end(): void {
    this.#stop();
  }

  #stop(): void {
    unwatch(this);
    const connection = this.#socket && connectionWatchOf(this.#socket);
    if (connection?.exchange === this) connection.exchange = undefined;
  }

  check(now: number): number {
    if (now < this.#looksAt) return this.#looksAt;
    this.#sample(now);
    const limits = this.#limits;
    let phase: TimeoutPhase | undefined;
    let since = 0;
    let at = Infinity;
    const consider = (candidate: TimeoutPhase, from: number): void => {
      if (from + limits[candidate] >= at) return;
      phase = candidate;
      since = from;
      at = from + limits[candidate];
    };
    const { isReceived, isAnswered } = this;
    if (this.#isQueued) consider('pool', this.#startedAt);
    if (!isReceived) {
      if (this.#wasWriting) consider('write', this.#noneTakenSince);
      if (!isAnswered) consider('headers', this.#sentAt);
      if (this.#wasReading) consider('read', this.#noneReadSince);
      consider('total', this.#startedAt);
    }
    if (this.#isConnected) consider('idle', this.#lastTrafficAt);
    if (phase === undefined || now < at) {
      this.#looksAt = Math.min(at, now + this.#looksEvery(LOOK_EVERY_MS));
      return this.#looksAt;
    }
    this.#expire(phase, now - since);
    return Infinity;
  }

  /** Infinity when there is no limit that bytes have to be looked at for. */
  #looksEvery(ms: number): number {
    const { write, headers, read, idle } = this.#limits;
    return Math.min(write, headers, read, idle) === Infinity ? Infinity : ms;
  }

  #connected(at: number, taken: number, read: number): void {
    this.#sentAt = Infinity;
    this.#wasWriting = false;
    this.#wasReading = false;
    this.#isConnected = true;
    this.#takenBefore = taken;
    this.#readBefore = read;
    this.#taken = taken;
    this.#read = read;
    this.#lastTrafficAt = at;
  }

  /** What changed since the last look counts as if it had changed now: a limit is never over too early. */
  #sample(now: number): void {
    const socket = this.#socket;
    if (!socket) return;
    if (socket.destroyed) {
      // A client that tries again may give the exchange another one.
      this.#taken = this.#takenBefore + this.bytesWritten();
      this.#isConnected = false;
      this.#wasWriting = false;
      this.#wasReading = false;
      this.#sentAt = Infinity;
      this.#socket = undefined;
      return;
    }
    if (!this.#isConnected) {
      const connection = connectionWatchOf(socket);
      if (!connection || connection.readyAt === Infinity) return;
      this.#connected(connection.readyAt, connection.bytesAtReady, 0);
    }
    const isUnsent = socket.writableLength > 0;
    const isSent = !isUnsent && this.isSent;
    if (isSent && this.#sentAt === Infinity) this.#sentAt = now;

    const taken = bytesTaken(socket);
    const hasTaken = taken !== this.#taken;
    if (hasTaken || !this.#wasWriting) this.#noneTakenSince = now;
    this.#wasWriting = isUnsent;
    this.#taken = taken;

    const read = socket.bytesRead;
    const hasRead = read !== this.#read;
    if (hasRead || !this.#wasReading) this.#noneReadSince = now;
    this.#wasReading = isSent && !this.isPaused;
    this.#read = read;

    if (hasTaken || hasRead) this.#lastTrafficAt = now;
  }

  #expire(phase: TimeoutPhase, elapsedMs: number): void {
    const error = timeoutError(phase, {
      timeoutMs: this.#limits[phase],
      elapsedMs,
      bytesWritten: this.#taken - this.#takenBefore,
      bytesRead: this.#read - this.#readBefore,
      target: this.target,
    });
    this.#stop();
    this.abandon(error);
  }
}
