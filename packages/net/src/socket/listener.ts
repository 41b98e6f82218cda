import { type AddressInfo, Server, type Socket } from 'node:net';
import { SocketClosedError } from '../net-error.ts';
import { type CloseOptions, closeLimits, type CloseReport } from './close-report.ts';
import type { ConnectionHandler, ListenOptions } from './listen.ts';
import { resetSocket, socketBelow } from './node-handle.ts';
import { SafeSocket } from './safe-socket.ts';

/** How a listener is to be closed. */
export interface ListenerCloseOptions extends CloseOptions {
  /** Connections may go on for so many ms before they are closed; it counts into `deadline`. Default 0. */
  readonly grace?: number | undefined;
}

/** What became of a listener and of the connections that it had when it was closed. */
export interface ListenerReport {
  /** One for each connection that was open. */
  readonly connections: readonly CloseReport[];
  /** Connections that were reset because too many waited for iteration, in the listener's whole life. */
  readonly refused: number;
  /** TLS handshakes that failed, in the listener's whole life. */
  readonly failedHandshakes: number;
  /** Handlers that have not returned by the deadline: their connections are closed, and nothing else can stop them. */
  readonly runningHandlers: number;
  /** From the call of `close()` to its end, in milliseconds. */
  readonly durationMs: number;
}

const DEFAULT_MAX_WAITING = 511;

/** A listening socket. Disposing it is `close()`. */
export class Listener implements AsyncDisposable, AsyncIterable<SafeSocket> {
  /** Node's server. */
  readonly raw: Server;
  readonly #options: ListenOptions;
  readonly #handler: ConnectionHandler | undefined;
  readonly #socketOptions: NonNullable<ListenOptions['close']>;
  readonly #open = new Set<SafeSocket>();
  #serving = 0;
  #onServed: (() => void) | undefined;
  readonly #handshaking = new Set<Socket>();
  readonly #waiting: SafeSocket[] = [];
  readonly #takers: ((socket: SafeSocket | null) => void)[] = [];
  #refused = 0;
  #failedHandshakes = 0;
  #report: Promise<ListenerReport> | undefined;
  #endGrace: (() => void) | undefined;

  /** @internal Use `listen()`. */
  constructor(server: Server, options: ListenOptions, handler?: ConnectionHandler) {
    if (!(server instanceof Server)) throw new TypeError('a Listener is made by listen()');
    this.raw = server;
    this.#options = options;
    this.#handler = handler;
    this.#socketOptions = {
      ...options.close,
      onReport: (report, socket) => {
        this.#open.delete(socket);
        options.close?.onReport?.(report, socket);
      },
    };
    if (options.tls === undefined) {
      server.on('connection', (raw: Socket) => this.#accept(raw));
    } else {
      server.on('connection', (raw: Socket) => this.#awaitHandshake(raw));
      server.on('secureConnection', (raw: Socket) => this.#accept(raw));
      server.on('tlsClientError', (error: NodeJS.ErrnoException, raw: Socket) =>
        this.#giveUp(error, raw),
      );
    }
  }

  /** Where it listens: address and port, or a Unix socket's path. */
  get address(): AddressInfo | string {
    const address = this.raw.address();
    if (address === null) throw new SocketClosedError('address of a listener: it is closed');
    return address;
  }

  /** The port. @throws SocketClosedError when it is closed, TypeError when it listens on a Unix socket */
  get port(): number {
    const { address } = this;
    if (typeof address === 'string') throw new TypeError(`${address} is a Unix socket: no port`);
    return address.port;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#open.size;
  }

  /**
   * The next connection, or null once the listener is closed. Whoever takes it closes it.
   * @throws TypeError when a handler takes them
   */
  accept(): Promise<SafeSocket | null> {
    if (this.#handler !== undefined) {
      return Promise.reject(
        new TypeError('accept() on a listener with a handler, which takes all'),
      );
    }
    const socket = this.#waiting.shift();
    if (socket !== undefined) return Promise.resolve(socket);
    if (this.#report !== undefined) return Promise.resolve(null);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  /** The connections, until the listener is closed. Leaving the loop leaves the listener open. */
  [Symbol.asyncIterator](): AsyncIterator<SafeSocket, undefined> {
    return {
      next: async () => {
        const socket = await this.accept();
        return socket === null ? { done: true, value: undefined } : { done: false, value: socket };
      },
    };
  }

  /**
   * Stops accepting, lets the connections go on for `grace`, then closes each as `SafeSocket.close()` does, all by the
   * deadline. Calls after the first give the same promise and may only shorten. It never rejects but for limits that are none.
   */
  close(options: ListenerCloseOptions = {}): Promise<ListenerReport> {
    try {
      closeLimits(options);
    } catch (error) {
      return Promise.reject(error);
    }
    if (this.#report === undefined) {
      this.#report = this.#close(options);
    } else {
      this.#endGrace?.();
      for (const socket of this.#open) void socket.close(options);
    }
    return this.#report;
  }

  /** Stops accepting and resets every connection at once. */
  abort(): Promise<ListenerReport> {
    const report = this.close({ deadline: 0 });
    for (const socket of this.#open) socket.abort();
    return report;
  }

  /** `close()`, without its report. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal What went wrong and belongs to no caller. */
  tell(error: unknown, socket: SafeSocket | null): void {
    const { onError } = this.#options;
    try {
      if (onError === undefined) process.emitWarning(asWarning(error, socket));
      else onError(error, socket);
    } catch (thrown) {
      process.emitWarning(asWarning(thrown, socket));
    }
  }

  #awaitHandshake(raw: Socket): void {
    this.#handshaking.add(raw);
    raw.once('close', () => this.#handshaking.delete(raw));
  }

  /** Node leaves a socket whose handshake timed out open. After other failures it closes it, once the alert is sent. */
  #giveUp(error: NodeJS.ErrnoException, raw: Socket): void {
    this.#failedHandshakes++;
    if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') resetSocket(raw);
  }

  #accept(raw: Socket): void {
    const below = socketBelow(raw);
    if (below !== null) this.#handshaking.delete(below);
    const { maxWaiting = DEFAULT_MAX_WAITING, timeouts, path } = this.#options;
    const isFull = this.#handler === undefined && this.#waiting.length >= maxWaiting;
    if (isFull || this.#report !== undefined) {
      if (isFull) this.#refused++;
      raw.on('error', () => {});
      resetSocket(raw);
      return;
    }
    const target = path === undefined ? undefined : `client of ${path}`;
    const socket = new SafeSocket(raw, { target, timeouts, close: this.#socketOptions });
    this.#open.add(socket);
    if (this.#handler !== undefined) {
      this.#serve(this.#handler, socket);
      return;
    }
    const taker = this.#takers.shift();
    if (taker === undefined) this.#waiting.push(socket);
    else taker(socket);
  }

  /** No async function: what it needs to wait would double the memory of an idle connection. */
  #serve(handler: ConnectionHandler, socket: SafeSocket): void {
    this.#serving++;
    const onReturn = (): void => void this.#served(socket);
    try {
      const returned = handler(socket);
      if (returned === undefined) onReturn();
      else returned.then(onReturn, (error: unknown) => this.#failed(error, socket));
    } catch (error) {
      this.#failed(error, socket);
    }
  }

  #failed(error: unknown, socket: SafeSocket): void {
    // A handler that was in the middle of something when we closed its connection has done nothing wrong.
    const isOurs = this.#report !== undefined && error instanceof SocketClosedError;
    // That a peer resets or stalls is no news, and in the report of the connection: only onError() is told.
    const isPeers = this.#options.onError === undefined && error === socket.failure;
    if (!isOurs && !isPeers) this.tell(error, socket);
    void this.#served(socket);
  }

  async #served(socket: SafeSocket): Promise<void> {
    await socket.close();
    this.#serving--;
    if (this.#serving === 0) this.#onServed?.();
  }

  async #close(options: ListenerCloseOptions): Promise<ListenerReport> {
    const startedAt = performance.now();
    const limits = closeLimits(options, this.#options.close);
    const stopped = new Promise<void>((resolve) => this.raw.close(() => resolve()));
    for (const taker of this.#takers.splice(0)) taker(null);
    for (const raw of this.#handshaking) resetSocket(raw);
    const open = [...this.#open];
    await this.#grace(Math.min(options.grace ?? 0, limits.deadline), stopped);
    const deadline = Math.max(0, startedAt + limits.deadline - performance.now());
    const connections = await Promise.all(
      open.map((socket) => socket.close({ ...limits, deadline })),
    );
    this.#waiting.splice(0);
    await stopped;
    await this.#handlersBy(startedAt + limits.deadline);
    return {
      connections,
      refused: this.#refused,
      failedHandshakes: this.#failedHandshakes,
      runningHandlers: this.#serving,
      durationMs: performance.now() - startedAt,
    };
  }

  /** Waits until all connections have ended by themselves, but no longer than `graceMs`. */
  async #grace(graceMs: number, stopped: Promise<void>): Promise<void> {
    if (graceMs === 0 || this.#open.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      this.#endGrace = resolve;
      timer = setTimeout(resolve, graceMs);
    });
    await Promise.race([over, stopped]);
    clearTimeout(timer);
  }

  async #handlersBy(deadlineAt: number): Promise<void> {
    if (this.#serving === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onServed = resolve;
      timer = setTimeout(resolve, Math.max(0, deadlineAt - performance.now()));
    });
    clearTimeout(timer);
  }
}

function asWarning(error: unknown, socket: SafeSocket | null): Error {
  const where =
    socket === null ? 'a listener' : `the handler of the connection to ${socket.target}`;
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const warning = new Error(`${where} failed: ${reason}`);
  warning.name = 'ListenerWarning';
  return warning;
}
