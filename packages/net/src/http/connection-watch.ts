/* oxlint-disable eslint/no-underscore-dangle -- Node's name for what a stream may override */
import { isIP, type Socket } from 'node:net';

import { connectionError } from '../connection-error.ts';
import { NetError } from '../net-error.ts';
import { timeoutError } from '../timeout-error.ts';
import { unwatch, wakeBy, watch, Watched } from './deadlines.ts';
import type { Exchange } from './exchange.ts';
import { bytesTaken } from '../socket/node-handle.ts';
import type { Limits } from './limits.ts';

type ConnectionPhase = 'lookup' | 'connect' | 'tls';

/** Where a socket that is being connected goes. */
export interface Destination {
  /** The name or address that is connected to; undefined: a Unix socket, or a stream that is connected already. */
  readonly host: string | undefined;
  readonly tls: boolean;
  /** For messages: `host:port`, or a Unix socket's path. */
  readonly target: string;
}

/** On the socket itself: this is asked for with every request. */
const WATCH = Symbol('lastack connection');

type WatchedSocket = Socket & { [WATCH]?: ConnectionWatch };

/** The watch of a socket of ours; undefined for the sockets of others. */
export function connectionWatchOf(socket: Socket): ConnectionWatch | undefined {
  return (socket as WatchedSocket)[WATCH];
}

/**
 * Bounds the making of a connection (lookup, TCP, TLS): at the limit the socket is destroyed with the phase's error.
 * From then on the system errors of the socket are this package's, with the same `code` and Node's own as `cause`.
 */
export class ConnectionWatch extends Watched {
  /** The exchange that has the connection now: says what was written when the connection fails. */
  exchange: Exchange | undefined;
  /** When the connection was ready for a request, in ms of `performance.now()`; Infinity: not yet. */
  readyAt = Infinity;
  /** Bytes that the kernel had taken then: TLS's handshake. */
  bytesAtReady = 0;
  /** What the peer said last of how long it keeps the connection without a request, and that in ms. */
  #keepAlive: unknown;
  #peerKeepsMs = Infinity;
  #restsUntil: number | undefined;
  #bytesAtEnd: number | undefined;
  readonly #socket: Socket;
  readonly #limits: Limits;
  readonly #destination: Destination;
  #phase: ConnectionPhase;
  #phaseAt = performance.now();

  /** @param socket one on which connect() has just been called */
  constructor(socket: Socket, limits: Limits, destination: Destination) {
    super();
    this.#socket = socket;
    this.#limits = limits;
    this.#destination = destination;
    const { host } = destination;
    this.#phase = host !== undefined && isIP(host) === 0 ? 'lookup' : 'connect';
    if (!socket.connecting) this.#phase = 'tls';
    (socket as WatchedSocket)[WATCH] = this;
    nameErrors(socket, this);
    socket.once('close', () => unwatch(this));
    if (!socket.connecting && !destination.tls) {
      this.#ready();
      return;
    }
    socket.once('lookup', () => this.#enter('connect'));
    // Before the client's own listener, which may write the request at once.
    socket.prependOnceListener('connect', () =>
      destination.tls ? this.#enter('tls') : this.#ready(),
    );
    if (destination.tls) socket.prependOnceListener('secureConnect', () => this.#ready());
    watch(this, this.#deadline());
  }

  /** Bytes that the kernel has taken, of all exchanges; still known when the socket is destroyed. */
  get bytesTaken(): number {
    return this.#bytesAtEnd ?? bytesTaken(this.#socket);
  }

  get target(): string {
    return this.#destination.target;
  }

  /** To be called before the socket's handle is gone. */
  ending(): void {
    this.#bytesAtEnd ??= bytesTaken(this.#socket);
  }

  /** @param field of the response: `timeout=5`, in seconds; Node's servers send the same with each */
  noteKeepAlive(field: unknown): void {
    if (field === this.#keepAlive) return;
    this.#keepAlive = field;
    const seconds = typeof field === 'string' ? /\btimeout=(\d+)/.exec(field)?.[1] : undefined;
    this.#peerKeepsMs = seconds === undefined ? Infinity : Number(seconds) * 1000;
  }

  /** The connection goes into a pool, and is closed when nobody has taken it out in that time. */
  rest(limitMs: number): void {
    // A second less than the peer, so that no request meets its FIN; Node does the same.
    this.#restsUntil = performance.now() + Math.min(limitMs, this.#peerKeepsMs - 1000);
    watch(this, this.#restsUntil, false);
  }

  /** The connection was taken out of the pool. */
  leavePool(): void {
    unwatch(this);
    this.#restsUntil = undefined;
  }

  check(now: number): number {
    if (this.#restsUntil !== undefined) {
      if (now < this.#restsUntil) return this.#restsUntil;
      unwatch(this);
      this.#socket.destroy();
      return Infinity;
    }
    if (now < this.#deadline()) return this.#deadline();
    unwatch(this);
    const timeoutMs = this.#limits[this.#phase];
    const elapsedMs = now - this.#phaseAt;
    const facts = { timeoutMs, elapsedMs, bytesWritten: 0, bytesRead: 0, target: this.target };
    this.#socket.destroy(timeoutError(this.#phase, facts));
    return Infinity;
  }

  #deadline(): number {
    return this.#phaseAt + this.#limits[this.#phase];
  }

  #enter(phase: ConnectionPhase): void {
    this.#phase = phase;
    this.#phaseAt = performance.now();
    wakeBy(this.#deadline());
  }

  #ready(): void {
    unwatch(this);
    this.readyAt = performance.now();
    this.bytesAtReady = bytesTaken(this.#socket);
  }
}

/** _destroy() is where a stream says which error its users get: all of Node's ways to fail a socket go through it. */
function nameErrors(socket: Socket, watch: ConnectionWatch): void {
  const destroy = socket._destroy.bind(socket);
  socket._destroy = (error, callback) => {
    watch.ending();
    destroy(error && named(error, watch), callback);
  };
}

function named(error: Error, watch: ConnectionWatch): Error {
  const isSystemError = 'syscall' in error || error instanceof AggregateError;
  if (!isSystemError || error instanceof NetError) return error;
  const bytesWritten = watch.exchange?.bytesWritten() ?? 0;
  return connectionError(error, { target: watch.target, bytesWritten });
}
