import type { Socket } from 'node:net';
import { connectionError } from '../connection-error.ts';
import { SocketClosedError } from '../net-error.ts';
import { timeoutError } from '../timeout-error.ts';
import { Closing } from './closing.ts';
import { closeLimits, type CloseLimits, type CloseOptions } from './close-report.ts';
import type { CloseReport, SocketCloseOptions } from './close-report.ts';
import { unsentBytes } from './node-handle.ts';
import { hasLimit, SocketWatch, type WatchedTimeouts } from './socket-watch.ts';
import { append, newWaiter, rejectFrom, type Waiter } from './waiters.ts';

/** What a SafeSocket is made with. */
export interface SafeSocketOptions {
  /** Who is at the other end, for messages. */
  readonly target: string;
  readonly timeouts?: WatchedTimeouts | undefined;
  readonly close?: SocketCloseOptions | undefined;
  /** Resets the connection when it aborts; what is pending rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** When the exchange began, by `performance.now()`: for the limit `total`. */
  readonly startedAt?: number;
}

/** From so many unread bytes on the peer is held back by TCP's window. */
const UNREAD_LIMIT = 64 * 1024;
const NOTHING = new Uint8Array(0);
const DONE: Promise<void> = Promise.resolve();
const owner = Symbol('SafeSocket');

type OwnedSocket = Socket & { [owner]: SafeSocket };

/**
 * A connection that cannot leak: every wait on it ends by a time-out, an error or `close()`, and `close()` ends in bounded
 * time with the descriptor released and a report of what became of the bytes.
 *
 * The peer's FIN does not close it: `read()` gives null and writing goes on until `endWrite()` or `close()`.
 * @example
 * await using socket = await connect({ host: 'example.org', port: 7 });
 * await socket.write('hello');
 * for await (const chunk of socket) console.log(chunk);
 */
export class SafeSocket implements AsyncDisposable, AsyncIterable<Uint8Array> {
  /** Node's socket. Reading it or closing it yourself makes what this class says wrong. */
  readonly raw: Socket;
  /** Who is at the other end: `host:port` or a Unix socket's path. */
  readonly target: string;
  readonly #closeOptions: SocketCloseOptions | undefined;
  readonly #watch: SocketWatch | null;
  #stopObeying: (() => void) | undefined;
  #unread: Uint8Array[] | null = null;
  #unreadBytes = 0;
  #hasEnded = false;
  #reader: Waiter<Uint8Array | null> | null = null;
  #writer: Waiter<void> | null = null;
  #ender: Waiter<void> | null = null;
  /** What ended the connection, when that was not `close()`. */
  #failure: unknown;
  #isClosed = false;
  #closing: Closing | undefined;
  #report: Promise<CloseReport> | undefined;

  /** @internal @throws RangeError when a limit of `options.close` is no number from 0 on */
  constructor(raw: Socket, options: SafeSocketOptions) {
    closeLimits(options.close);
    this.raw = raw;
    this.target = options.target;
    this.#closeOptions = options.close;
    (raw as OwnedSocket)[owner] = this;
    for (const [event, listener] of SafeSocket.#listeners) raw.on(event, listener);
    this.#watch = this.#watchLimits(options);
    if (options.signal) this.#obey(options.signal);
  }

  /** What ended the connection when it was not `close()`: the error of every later call. Otherwise undefined. */
  get failure(): unknown {
    return this.#failure;
  }

  /**
   * The next bytes that arrived, or null once the peer has sent its FIN and all was read.
   * @throws TimeoutError, ConnectionError when the connection is lost; SocketClosedError after `close()`
   */
  read(): Promise<Uint8Array | null> {
    if (this.#isClosed) return Promise.reject(this.#closedError('read'));
    const chunk = this.#unread?.shift();
    if (chunk !== undefined) {
      this.#unreadBytes -= chunk.byteLength;
      if (this.#unreadBytes === 0) {
        this.#unread = null;
        if (this.raw.isPaused()) this.raw.resume();
      }
      return Promise.resolve(chunk);
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#hasEnded) return Promise.resolve(null);
    this.#watch?.readBegan();
    const reader = newWaiter<Uint8Array | null>();
    this.#reader = append(this.#reader, reader);
    return reader.promise;
  }

  /**
   * Sends bytes, or text as UTF-8; resolves when the kernel has taken all of them, so the memory may be used again. That
   * says nothing of the peer: only `close()` can tell what was acknowledged.
   * @throws TimeoutError, ConnectionError when the connection is lost; SocketClosedError after `close()` or `endWrite()`
   */
  write(chunk: Uint8Array | string): Promise<void> {
    const { raw } = this;
    if (this.#isClosed || this.#failure !== undefined || this.#ender !== null) {
      return Promise.reject(this.#refusal('write'));
    }
    if (raw.destroyed) return this.#written();
    raw.write(chunk);
    if (raw.writableLength === 0) return DONE;
    this.#watch?.writeBegan();
    const written = this.#written();
    raw.write(NOTHING, (error) => {
      // An error has its own event, which rejects all who wait.
      const writer = this.#writer;
      if (error || writer === null) return;
      this.#writer = writer.next;
      writer.resolve();
    });
    return written;
  }

  /**
   * Sends the FIN after all that was written (half-close): the peer reads the end, and may go on sending. Resolves when the
   * kernel has it. A second call gives the same promise.
   * @throws TimeoutError, ConnectionError when the connection is lost; SocketClosedError after `close()`
   */
  endWrite(): Promise<void> {
    if (this.#isClosed || this.#failure !== undefined) {
      return Promise.reject(this.#refusal('endWrite'));
    }
    if (this.#ender !== null) return this.#ender.promise;
    const ender = newWaiter<void>();
    this.#ender = ender;
    this.raw.end();
    if (this.raw.writableLength > 0) this.#watch?.writeBegan();
    return ender.promise;
  }

  /** Reads until the peer's FIN. Leaving the loop leaves the socket open. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return { next: () => this.read().then(toResult) };
  }

  /**
   * Flushes, sends the FIN, discards what still arrives until the peer's FIN, and releases the socket: by `deadline` in any
   * case. What waits to be read rejects; what waits to be written is sent.
   *
   * Calls after the first give the same promise and may only shorten the limits. It rejects for limits that are none and
   * otherwise never: the report says what happened.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    let limits: CloseLimits;
    try {
      limits = closeLimits(options, this.#closeOptions);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#report !== undefined) {
      this.#closing?.tighten(options);
      return this.#report;
    }
    const begun = this.#closing;
    const unread = this.#shut();
    if (begun !== undefined) {
      begun.tighten(options);
      this.#report = unread === 0 ? begun.report : begun.report.then(discarding(unread));
    } else {
      const closing = this.#begin(limits, unread);
      this.#report = closing.report;
      closing.linger();
    }
    return this.#report;
  }

  /** Resets the connection at once, also in the middle of `close()`; what is pending rejects. `close()` gives the report. */
  abort(reason?: unknown): void {
    const unread = this.#shut();
    const closing = this.#closing ?? this.#begin(closeLimits(), unread);
    this.#report ??= closing.report;
    closing.abort(reason);
    this.#rejectAll(this.#closedError('abort', reason));
  }

  /** `close()`; its report goes to `onReport` of the socket's `close` options. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Shared by all sockets, instead of closures of each: memory of a connection that does nothing. */
  static readonly #listeners = Object.entries({
    data(this: OwnedSocket, chunk: Uint8Array) {
      const self = this[owner];
      if (self.#isClosed) return;
      const reader = self.#reader;
      if (reader === null) {
        (self.#unread ??= []).push(chunk);
        self.#unreadBytes += chunk.byteLength;
        if (self.#unreadBytes >= UNREAD_LIMIT) this.pause();
        return;
      }
      self.#reader = reader.next;
      if (reader.next === null) self.#watch?.readEnded();
      else self.#watch?.readBegan();
      reader.resolve(chunk);
    },
    end(this: OwnedSocket) {
      const self = this[owner];
      self.#hasEnded = true;
      self.#watch?.readEnded();
      for (let reader = self.#reader; reader !== null; reader = reader.next) reader.resolve(null);
      self.#reader = null;
      if (this.writableFinished) self.#endOfBoth();
    },
    finish(this: OwnedSocket) {
      const self = this[owner];
      self.#ender?.resolve();
      if (self.#hasEnded) self.#endOfBoth();
    },
    error(this: OwnedSocket, cause: Error) {
      const self = this[owner];
      const bytesWritten = this.bytesWritten - this.writableLength;
      self.#failure ??= connectionError(cause, { target: self.target, bytesWritten });
      self.#begin().fail(cause);
      self.#rejectAll(self.#failure);
    },
    close(this: OwnedSocket) {
      const self = this[owner];
      self.#stopObeying?.();
      self.#failure ??= self.#closedError('close');
      self.#rejectAll(self.#failure);
      self.#begin().released();
    },
  });

  /** Both FINs are there: Node would destroy the socket now, and with it the proof of what was acknowledged. */
  #endOfBoth(): void {
    if (this.#closing === undefined) this.#begin().linger();
  }

  #begin(limits = closeLimits(this.#closeOptions), unread = 0): Closing {
    if (this.#closing !== undefined) return this.#closing;
    this.#watch?.stop();
    const closing = new Closing(this.raw, limits, unread);
    this.#closing = closing;
    const onReport = this.#closeOptions?.onReport;
    if (onReport !== undefined) void closing.report.then((report) => onReport(report, this));
    return closing;
  }

  /** Ends what the user may do. @returns the bytes that nobody will read */
  #shut(): number {
    if (this.#isClosed) return 0;
    this.#isClosed = true;
    if (this.#reader !== null) rejectFrom(this.#reader, this.#closedError('read'));
    this.#reader = null;
    const unread = this.#unreadBytes;
    this.#unread = null;
    this.#unreadBytes = 0;
    return unread;
  }

  #written(): Promise<void> {
    const writer = newWaiter<void>();
    this.#writer = append(this.#writer, writer);
    return writer.promise;
  }

  #rejectAll(error: unknown): void {
    rejectFrom(this.#reader, error);
    rejectFrom(this.#writer, error);
    this.#ender?.reject(error);
    this.#reader = null;
    this.#writer = null;
  }

  #refusal(operation: string): unknown {
    if (this.#isClosed) return this.#closedError(operation);
    return (
      this.#failure ??
      new SocketClosedError(`${operation} after endWrite() on the connection to ${this.target}`)
    );
  }

  #closedError(operation: string, cause: unknown = this.#failure): SocketClosedError {
    const message = `${operation} on the connection to ${this.target}: it is closed`;
    return new SocketClosedError(message, cause === undefined ? undefined : { cause });
  }

  #watchLimits({ timeouts, startedAt }: SafeSocketOptions): SocketWatch | null {
    if (timeouts === undefined || !hasLimit(timeouts)) return null;
    return new SocketWatch(
      this.raw,
      timeouts,
      startedAt ?? performance.now(),
      (phase, timeoutMs, elapsedMs) => {
        const { bytesRead, bytesWritten } = this.raw;
        this.#fail(
          timeoutError(phase, {
            timeoutMs,
            elapsedMs,
            bytesRead,
            bytesWritten: bytesWritten - unsentBytes(this.raw),
            target: this.target,
          }),
        );
      },
    );
  }

  #obey(signal: AbortSignal): void {
    const onAbort = (): void => this.#fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#stopObeying = () => signal.removeEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  }

  /** Resets the connection for a reason of ours. */
  #fail(reason: unknown): void {
    this.#failure ??= reason;
    this.#begin().abort(reason);
    this.#rejectAll(reason);
  }
}

function toResult(chunk: Uint8Array | null): IteratorResult<Uint8Array, undefined> {
  return chunk === null ? { done: true, value: undefined } : { done: false, value: chunk };
}

function discarding(bytes: number): (report: CloseReport) => CloseReport {
  return (report) => ({ ...report, discardedBytes: report.discardedBytes + bytes });
}
