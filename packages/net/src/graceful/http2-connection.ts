import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { afterReading } from './after-reading.ts';
import type { Connection, DrainLimits } from './connection.ts';
import { linger } from './lingering-close.ts';
import type { ShutdownTally } from './shutdown-report.ts';

/** In the first GOAWAY: "open no more streams; those that are under way will be served" (RFC 9113 §6.8). */
const ANY_STREAM = 2 ** 31 - 1;
/** A client that does not acknowledge a PING for so long, in milliseconds, has no claim to a round trip. */
const ROUND_TRIP_LIMIT = 1000;

/** One HTTP/2 connection, and its end. */
export class Http2Connection implements Connection {
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #limits: DrainLimits;
  readonly #tally: ShutdownTally;
  readonly #streams = new Set<ServerHttp2Stream>();
  #draining = false;
  #roundTrip: Promise<void> | undefined;
  #cancelIdleEnd: (() => void) | undefined;

  constructor(
    session: ServerHttp2Session,
    socket: Socket,
    limits: DrainLimits,
    tally: ShutdownTally,
  ) {
    this.#session = session;
    this.#socket = socket;
    this.#limits = limits;
    this.#tally = tally;
  }

  /**
   * Takes a stream in. While draining, a new stream is when the client is told: GOAWAY, a round trip, final GOAWAY.
   * Node stops reading a session that has sent a GOAWAY and has no stream, so what the client had already sent
   * would never be read: this stream waits for the round trip and keeps the session awake.
   * @returns what `process` has to wait for, undefined for nothing
   */
  accept(stream: ServerHttp2Stream): Promise<void> | undefined {
    this.#streams.add(stream);
    stream.once('close', () => {
      this.#streams.delete(stream);
      if (stream.rstCode === 0 && stream.writableFinished) this.#tally.completed++;
    });
    if (!this.#draining || this.#session.closed) return undefined;
    this.#cancelIdleEnd?.();
    this.#roundTrip ??= this.#sayGoodbye();
    return this.#roundTrip;
  }

  /** From now on the session ends: at its next stream, or when there has been none for idleGrace. */
  drain(): void {
    this.#draining = true;
    this.#cancelIdleEnd = afterReading(this.#limits.idleGrace, () => this.#close());
  }

  destroy(): number {
    const aborted = this.#streams.size;
    this.#socket.destroy();
    return aborted;
  }

  release(): void {
    this.#cancelIdleEnd?.();
  }

  async #sayGoodbye(): Promise<void> {
    this.#session.goaway(0, ANY_STREAM);
    await roundTrip(this.#session);
    this.#close();
  }

  /** The final GOAWAY, with the last stream that is served; then its streams run to their ends. */
  #close(): void {
    // Node sends the FIN after the last stream, and then waits for the client without a limit.
    this.#socket.once('finish', () => linger(this.#socket, this.#limits.linger));
    this.#session.close();
  }
}

function roundTrip(session: ServerHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    const limit = setTimeout(resolve, ROUND_TRIP_LIMIT);
    const settle = (): void => {
      clearTimeout(limit);
      resolve();
    };
    if (session.destroyed || !session.ping(settle)) settle();
  });
}
