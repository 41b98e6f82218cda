import type { EventEmitter } from 'node:events';
import { type IncomingMessage, Server as HttpServer, type ServerResponse } from 'node:http';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { Server as HttpsServer } from 'node:https';
import { Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import type { CloseOptions } from '../socket/close-report.ts';
import type { OnUpgraded } from './foreign-connection.ts';
import { checkGracefulOptions } from './graceful-options.ts';
import { lingerLimits } from './lingering-close.ts';
import { answerReadiness, isReadinessRequest, type Readiness } from './readiness.ts';
import { ServerConnections } from './server-connections.ts';
import { tapServer } from './server-tap.ts';
import { emptyTally, type ShutdownReport } from './shutdown-report.ts';

/** Times in milliseconds. */
export interface GracefulServerOptions {
  /** Signals that call `shutdown()`, the next of them `force()`. Default: none. */
  readonly signals?: readonly NodeJS.Signals[] | undefined;
  /** How long to go on accepting after readiness says 503, until load balancers have noticed. Default 0. */
  readonly preStopDelay?: number | undefined;
  /**
   * How long a connection without a request is kept after the server has stopped listening. No request is dropped
   * when this is more than the time that clients leave between two requests. Default 5000.
   */
  readonly idleGrace?: number | undefined;
  /** From `shutdown()` to the end of all that is left. Default 25,000: Kubernetes kills after 30 s. */
  readonly deadline?: number | undefined;
  /** A path that is answered with 200, and with 503 from `shutdown()` on. */
  readonly readiness?: Readiness | undefined;
  /**
   * How long and how much a socket is still read after its FIN: for early responses, and at the end of shutdown.
   * Default: 30 s in all, 5 s without a byte, any number of bytes.
   */
  readonly linger?: CloseOptions | undefined;
  /**
   * Called when the server has stopped listening, for each socket that speaks another protocol (upgraded to
   * WebSocket, CONNECT, or of a `net.Server`: then without a request); close it in the way of its protocol.
   */
  readonly onUpgraded?: OnUpgraded | undefined;
  /** Called after a signal, when the shutdown is done: close the database here. */
  readonly onShutdown?: ((report: ShutdownReport) => unknown) | undefined;
}

/** A server that stops without dropping a request. */
export interface GracefulServer extends AsyncDisposable {
  /** True from the call of `shutdown()` on. */
  readonly draining: boolean;
  /** Stops the server; every call returns the same promise, which does not reject. */
  shutdown(): Promise<ShutdownReport>;
  /** Stops it now: what is left is destroyed. */
  force(): Promise<ShutdownReport>;
}

/** A second one would keep the connections from the first. */
const tapped = new WeakSet<Server>();

/**
 * Makes an http, https, http2 or net server stop without dropping a request: call it before `server.listen()`.
 *
 * `shutdown()`: readiness turns 503; after `preStopDelay` the server stops listening; each connection ends after
 * its last response, which says `Connection: close` (HTTP/2: GOAWAY), or after `idleGrace` without a byte; what is
 * left at `deadline` is destroyed. RFC 9112 §9.6, RFC 9113 §6.8.
 * After the end of `shutdown()` the server is as before; to stop it again after another `listen()`, call `gracefulServer()` again.
 * @throws RangeError when a time is no number of milliseconds, TypeError for another option that is wrong, Error when the
 *   server has a `gracefulServer()` already; before anything is changed
 * @example
 * const graceful = gracefulServer(server, { signals: ['SIGTERM', 'SIGINT'], readiness: { path: '/ready' } });
 * server.listen(8080);
 */
export function gracefulServer(
  server: Server,
  options: GracefulServerOptions = {},
): GracefulServer {
  if (!(server instanceof Server)) {
    throw new TypeError(
      `gracefulServer: the first argument must be an http, https, http2 or net server, not ${inspect(server, { depth: 0 })}`,
    );
  }
  checkGracefulOptions(options);
  if (tapped.has(server)) {
    throw new Error(
      'gracefulServer: this server has one already; use what the first call returned',
    );
  }
  return new TappedServer(server, options);
}

class TappedServer implements GracefulServer {
  readonly #server: Server;
  readonly #options: GracefulServerOptions;
  readonly #preStopDelay: number;
  readonly #deadline: number;
  readonly #tally = emptyTally();
  readonly #connections: ServerConnections;
  readonly #untap: () => void;
  readonly #onSignal = (): void => void this.#stopBySignal();
  #shutdown: Promise<ShutdownReport> | undefined;
  #outcome: ShutdownReport['outcome'] = 'graceful';
  #wasSignalled = false;
  #isDone = false;
  #endPreStop: (() => void) | undefined;
  #onForced: (() => void) | undefined;

  constructor(server: Server, options: GracefulServerOptions) {
    this.#server = server;
    this.#options = options;
    this.#preStopDelay = duration('preStopDelay', options.preStopDelay ?? 0);
    this.#deadline = duration('deadline', options.deadline ?? 25_000);
    const limits = {
      idleGrace: duration('idleGrace', options.idleGrace ?? 5000),
      linger: lingerLimits(options.linger),
    };
    this.#connections = new ServerConnections(server, limits, options.onUpgraded, this.#tally);
    tapped.add(server);
    this.#untap = tapServer(server as EventEmitter, (...event) => this.#tap(...event));
    for (const signal of options.signals ?? []) process.on(signal, this.#onSignal);
  }

  get draining(): boolean {
    return this.#shutdown !== undefined;
  }

  shutdown(): Promise<ShutdownReport> {
    this.#shutdown ??= this.#stop();
    return this.#shutdown;
  }

  force(): Promise<ShutdownReport> {
    const done = this.shutdown();
    this.#destroyAll('forced');
    return done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  async #stop(): Promise<ShutdownReport> {
    const startedAt = performance.now();
    const { completed } = this.#tally;
    const deadline = setTimeout(() => this.#destroyAll('deadline'), this.#deadline);
    if (this.#server.listening) {
      await this.#preStop();
      await this.#emptyAcceptQueue();
    }
    const closed = closeListener(this.#server);
    const forced = new Promise<void>((resolve) => {
      this.#onForced = resolve;
    });
    const drained = this.#connections.drain();
    if (this.#outcome !== 'graceful') this.#destroyAll(this.#outcome);
    await Promise.race([closed, forced]);
    await drained;
    clearTimeout(deadline);
    this.#finish();
    // Until the tap is out: whoever waits may call gracefulServer() again.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    return {
      durationMs: performance.now() - startedAt,
      outcome: this.#outcome,
      ...this.#tally,
      completed: this.#tally.completed - completed,
    };
  }

  #preStop(): Promise<void> {
    return new Promise((resolve) => {
      const delay = setTimeout(resolve, this.#preStopDelay);
      this.#endPreStop = () => {
        clearTimeout(delay);
        resolve();
      };
    });
  }

  /** The kernel resets connections that wait for an accept when their listener closes; Node accepts one a turn. */
  async #emptyAcceptQueue(): Promise<void> {
    for (let turns = 0, quiet = 0; turns < 1000 && quiet < 3; turns++) {
      const { accepted } = this.#connections;
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      quiet = this.#connections.accepted === accepted ? quiet + 1 : 0;
    }
  }

  #destroyAll(outcome: 'deadline' | 'forced'): void {
    if (this.#isDone) return;
    if (this.#outcome === 'graceful') this.#outcome = outcome;
    this.#endPreStop?.();
    this.#connections.destroyAll();
    // Those from before gracefulServer(), where the server knows them.
    if (this.#server instanceof HttpServer || this.#server instanceof HttpsServer) {
      this.#server.closeAllConnections();
    }
    this.#onForced?.();
  }

  #finish(): void {
    this.#isDone = true;
    for (const signal of this.#options.signals ?? []) process.off(signal, this.#onSignal);
    // Ends the timer with which an HTTP server looks for slow requests; it emits 'close' again, which the tap keeps.
    this.#server.close();
  }

  async #stopBySignal(): Promise<void> {
    if (this.#wasSignalled) {
      await this.force();
      return;
    }
    this.#wasSignalled = true;
    const report = await this.shutdown();
    await this.#options.onShutdown?.(report);
  }

  #tap(event: string | symbol, args: readonly unknown[], next: () => boolean): boolean {
    switch (event) {
      case 'connection':
        return this.#connections.connected(args[0] as Socket, next);
      case 'secureConnection':
        return this.#connections.secured(args[0] as TLSSocket, next);
      case 'session':
        this.#connections.session(args[0] as ServerHttp2Session);
        return next();
      case 'stream': {
        const wait = this.#connections.stream(args[0] as ServerHttp2Stream);
        if (wait === undefined) return next();
        void after(wait, next);
        return true;
      }
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        return this.#request(args[0] as IncomingMessage, args[1] as ServerResponse, next);
      case 'upgrade':
      case 'connect': {
        const request = args[0] as IncomingMessage;
        return request.httpVersionMajor > 1 || this.#connections.upgraded(request) ? next() : true;
      }
      case 'close':
        if (!this.#isDone) return next();
        this.#untap();
        tapped.delete(this.#server);
        return true;
      default:
        return next();
    }
  }

  #request(request: IncomingMessage, response: ServerResponse, next: () => boolean): boolean {
    const proceed = (): boolean => this.#answer(request, response, next);
    if (request.httpVersionMajor > 1) return proceed();
    const when = this.#connections.request(request, response);
    if (when === 'now') return proceed();
    if (when === 'later') process.nextTick(proceed);
    return true;
  }

  #answer(request: IncomingMessage, response: ServerResponse, next: () => boolean): boolean {
    const { readiness } = this.#options;
    if (readiness === undefined || !isReadinessRequest(request, readiness)) return next();
    void answerReadiness(response, readiness, () => this.draining);
    return true;
  }
}

async function after(wait: Promise<void>, proceed: () => unknown): Promise<void> {
  await wait;
  proceed();
}

/** http's own close() destroys idle connections, and with them the requests that are on their way. */
function closeListener(server: Server): Promise<void> {
  return new Promise((resolve) => {
    Server.prototype.close.call(server, () => resolve());
  });
}

/** @throws RangeError when it is no number of milliseconds */
function duration(name: string, ms: unknown): number {
  if (typeof ms === 'number' && ms >= 0 && ms <= 2 ** 31 - 1) return ms;
  throw new RangeError(
    `gracefulServer: ${name} must be a number of milliseconds up to 2147483647, not ${inspect(ms)}`,
  );
}
