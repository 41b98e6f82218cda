import { Socket } from 'node:net';
import { connectionError } from '../connection-error.ts';
import { SocketClosedError } from '../net-error.ts';
import { timeoutError } from '../timeout-error.ts';
import { Closing } from './closing.ts';
import { closeLimits, type CloseLimits, type CloseOptions } from './close-report.ts';
import type { CloseReport, SocketCloseOptions } from './close-report.ts';
import { unsentBytes } from './node-handle.ts';
import { hasLimit, SocketWatch, type WatchedTimeouts } from './socket-watch.ts';
import { disown, readOn, socketsTelling } from './owned-socket.ts';
import { UnreadChunks } from './unread-chunks.ts';
import { firstOf, newPromise, rejectAll, settleAll, settleOfLast } from './waiters.ts';
import { type Waiters, withLast, withoutFirst } from './waiters.ts';

/** What a SafeSocket is made with. */
export interface SafeSocketOptions {
  /** Who is at the other end, for messages. Default: the peer's address. */
  readonly target?: string | undefined;
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
  readonly #target: string | undefined;
  readonly #closeOptions: SocketCloseOptions | undefined;
  readonly #watch: SocketWatch | null;
  #stopObeying: (() => void) | undefined;
  #unread: UnreadChunks | null = null;
  #hasEnded = false;
  #readers: Waiters<Uint8Array | null> = null;
  #writers: Waiters<void> = null;
  #ended: Promise<void> | null = null;
  /** What ended the connection, when that was not `close()`. */
  #failure: unknown;
  #isClosed = false;
  #closing: Closing | undefined;
  #report: Promise<CloseReport> | undefined;

  /** @internal Use `connect()` or `listen()`. @throws RangeError when a limit of `options.close` is no number from 0 on */
  constructor(raw: Socket, options: SafeSocketOptions) {
    if (!(raw instanceof Socket))
      throw new TypeError('a SafeSocket is made by connect() or listen()');
    closeLimits(options.close);
    this.raw = raw;
    this.#target = options.target;
    // Node remembers it from the first time it is asked, and a connection that was reset has none.
    if (options.target === undefined) void raw.remoteAddress;
    this.#closeOptions = options.close;
    this.#watch = this.#watchLimits(options);
    SafeSocket.#own(raw, this);
    if (options.signal) this.#obey(options.signal);
  }

  /** Who is at the other end: `host:port` or a Unix socket's path. */
  get target(): string {
    return this.#target ?? `${this.raw.remoteAddress}:${this.raw.remotePort}`;
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
    if (this.#unread !== null) return Promise.resolve(this.#takeUnread(this.#unread));
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#hasEnded) return Promise.resolve(null);
    this.#watch?.readBegan();
    const promise = newPromise<Uint8Array | null>();
    this.#readers = withLast(this.#readers, settleOfLast());
    return promise;
  }

  /**
   * Sends bytes, or text as UTF-8; resolves when the kernel has taken all of them, so the memory may be used again. That
   * says nothing of the peer: only `close()` can tell what was acknowledged.
   * @throws TimeoutError, ConnectionError when the connection is lost; SocketClosedError after `close()` or `endWrite()`
   */
  write(chunk: Uint8Array | string): Promise<void> {
    const { raw } = this;
    if (this.#isClosed || this.#failure !== undefined || this.#ended !== null) {
      return Promise.reject(this.#refusal('write'));
    }
    if (raw.destroyed) return this.#written();
    raw.write(chunk);
    if (raw.writableLength === 0) return DONE;
    this.#watch?.writeBegan();
    const written = this.#written();
    raw.write(NOTHING, (error) => {
      // An error has its own event, which rejects all who wait.
      const writers = this.#writers;
      if (error || writers === null) return;
      firstOf(writers)(undefined);
      this.#writers = withoutFirst(writers);
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
    if (this.#ended !== null) return this.#ended;
    this.#ended = this.#written();
    this.raw.once('finish', () => this.#finished());
    this.raw.end();
    if (this.raw.writableLength > 0) this.#watch?.writeBegan();
    return this.#ended;
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
    const unread = this.#shut(reason);
    const closing = this.#closing ?? this.#begin(closeLimits(), unread);
    this.#report ??= closing.report;
    closing.abort(reason);
    this.#rejectAll(this.#closedError('abort', reason));
  }

  /** `close()`; its report goes to `onReport` of the socket's `close` options. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  static readonly #own = socketsTelling<SafeSocket>({
    received: (self, chunk) => self.#received(chunk),
    ended(self) {
      self.#hasEnded = true;
      self.#watch?.readEnded();
      settleAll(self.#readers, null);
      self.#readers = null;
      if (self.raw.writableFinished) self.#endOfBoth();
    },
    failed(self, cause) {
      const { raw, target } = self;
      const bytesWritten = raw.bytesWritten - raw.writableLength;
      self.#failure ??= connectionError(cause, { target, bytesWritten });
      self.#begin().fail(cause);
      self.#rejectAll(self.#failure);
    },
    released(self) {
      self.#stopObeying?.();
      self.#failure ??= self.#closedError('close');
      self.#rejectAll(self.#failure);
      self.#begin().released();
    },
  });

  /** @returns whether more may come before this is read */
  #received(chunk: Uint8Array): boolean {
    const readers = this.#readers;
    if (readers !== null) {
      firstOf(readers)(chunk);
      this.#readers = withoutFirst(readers);
      if (this.#watch !== null) {
        if (this.#readers === null) this.#watch.readEnded();
        else this.#watch.readBegan();
      }
      return true;
    }
    this.#unread ??= new UnreadChunks();
    this.#unread.add(chunk);
    return this.#unread.byteLength < UNREAD_LIMIT;
  }

  #takeUnread(unread: UnreadChunks): Uint8Array {
    const chunk = unread.take();
    if (unread.byteLength === 0) {
      this.#unread = null;
      readOn(this.raw);
    }
    return chunk;
  }

  #finished(): void {
    settleAll(this.#writers, undefined);
    this.#writers = null;
    if (this.#hasEnded) this.#endOfBoth();
  }

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
  #shut(cause?: unknown): number {
    if (this.#isClosed) return 0;
    this.#isClosed = true;
    if (this.#readers !== null) rejectAll(this.#readers, this.#closedError('read', cause));
    this.#readers = null;
    const unread = this.#unread?.byteLength ?? 0;
    this.#unread = null;
    disown(this.raw);
    return unread;
  }

  #written(): Promise<void> {
    const promise = newPromise<void>();
    this.#writers = withLast(this.#writers, settleOfLast());
    return promise;
  }

  #rejectAll(error: unknown): void {
    rejectAll(this.#readers, error);
    rejectAll(this.#writers, error);
    this.#readers = null;
    this.#writers = null;
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
