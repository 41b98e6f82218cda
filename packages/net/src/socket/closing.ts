import type { Socket } from 'node:net';
import { closeLimits, type CloseLimits, type CloseOptions } from './close-report.ts';
import type { CloseOutcome, CloseReport } from './close-report.ts';
import { isPiped, isReadByHttp, resetSocket, tcpDescriptorOf, unsentBytes } from './node-handle.ts';
import { canAskForUnacked, readUnacked } from './unacked-bytes.ts';

type LastFacts = Pick<CloseReport, 'unackedBytes' | 'unsentBytes'>;

const FIRST_PROBE_MS = 1;
const LAST_PROBE_MS = 50;
/** Longer timers overflow in Node. */
const LONGEST_TIMER_MS = 0x7fffffff;

/**
 * The end of a socket, as RFC 1122 §4.2.2.13 and RFC 9112 §9.6 want it: flush, FIN, read and discard until the peer's FIN,
 * release. Whatever happens, the descriptor is released by the deadline; `report` resolves then and never rejects.
 */
export class Closing {
  readonly report: Promise<CloseReport>;
  readonly #socket: Socket;
  /** Bytes that were taken from the socket and that nobody will read any more. */
  readonly #unreadBytes: number;
  readonly #startedAt = performance.now();
  readonly #readBefore: number;
  #settle!: (report: CloseReport) => void;
  #limits: CloseLimits;
  #deadlineAt: number;
  #timer: NodeJS.Timeout | undefined;
  #bytesSeen: number;
  #peerActiveAt: number;
  /** Bytes that others have read since. */
  #readBytes = 0;
  #probeMs = FIRST_PROBE_MS;
  #finSent: boolean;
  #peerFin: boolean;
  #isAcked = false;
  #outcome: CloseOutcome | undefined;
  #error: unknown;
  /** Noted just before the release: afterwards nobody can be asked. */
  #last: LastFacts = { unsentBytes: 0 };

  constructor(socket: Socket, limits: CloseLimits, unreadBytes = 0) {
    this.#socket = socket;
    this.#unreadBytes = unreadBytes;
    this.#limits = limits;
    this.#deadlineAt = this.#startedAt + limits.deadline;
    this.#readBefore = socket.bytesRead - socket.readableLength;
    this.#bytesSeen = socket.bytesRead;
    this.#peerActiveAt = this.#startedAt;
    this.#finSent = socket.writableFinished;
    this.#peerFin = socket.readableEnded;
    this.report = new Promise((resolve) => (this.#settle = resolve));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.released());
  }

  /** Flushes, sends the FIN and waits for the peer's. */
  linger(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    try {
      socket.on('finish', () => this.#onFinish());
      socket.on('end', () => this.#onEnd());
      this.#holdForAcks();
      socket.end();
      this.#discard();
      this.#look();
    } catch (error) {
      this.abort(error);
    }
  }

  /** A later call of close() may only shorten. */
  tighten(options: CloseOptions): void {
    const asked = closeLimits(options, this.#limits);
    this.#limits = {
      deadline: Math.min(asked.deadline, this.#limits.deadline),
      idle: Math.min(asked.idle, this.#limits.idle),
      discardLimit: Math.min(asked.discardLimit, this.#limits.discardLimit),
    };
    if (options.deadline !== undefined) {
      this.#deadlineAt = Math.min(this.#deadlineAt, performance.now() + options.deadline);
    }
    this.#look();
  }

  /** Resets the connection now. */
  abort(error?: unknown): void {
    if (this.#outcome !== undefined) return;
    this.#error = error;
    this.#release('aborted');
  }

  /** The connection is lost: Node has destroyed the socket. */
  fail(error: Error): void {
    if (this.#outcome !== undefined) return;
    this.#error = error;
    this.#outcome = isReset(error) ? 'peer-reset' : 'aborted';
    clearTimeout(this.#timer);
    this.#noteLastFacts();
  }

  #onFinish(): void {
    this.#finSent = true;
    this.#peerActiveAt = performance.now();
    this.#look();
  }

  #onEnd(): void {
    this.#peerFin = true;
    this.#look();
  }

  /** Data that nobody reads keeps the peer's FIN out of sight, and the socket in CLOSE-WAIT. */
  #discard(): void {
    const socket = this.#socket;
    if (isReadByHttp(socket)) {
      socket.resume();
      // Later, since it takes a socket out of Node's HTTP parser: one that an unread upload has paused would stay so.
      setImmediate(() => socket.on('data', () => this.#limitDiscarded()));
      return;
    }
    // Before the readers: one of once() is no longer there when they are called. read() emits 'data', too.
    socket.prependListener('data', (chunk: Buffer | string) => {
      if (this.#hasReaders()) this.#readBytes += byteLength(chunk, socket);
      else this.#limitDiscarded();
    });
    socket.on('removeListener', (event) => {
      // Not at once: who reads by for-await or a new pipe may come in its place.
      if (event === 'data' || event === 'readable') setImmediate(() => this.#readUnlessRead());
    });
    this.#readUnlessRead();
  }

  /** Readers keep their pace: what a pipe's end does not take is not taken from it. */
  #readUnlessRead(): void {
    const socket = this.#socket;
    if (socket.listenerCount('readable') === 0 && !isPiped(socket)) socket.resume();
  }

  /** Somebody besides us. */
  #hasReaders(): boolean {
    return this.#socket.listenerCount('data') > 1 || this.#socket.listenerCount('readable') > 0;
  }

  #limitDiscarded(): void {
    if (this.#discarded() > this.#limits.discardLimit) this.#giveUp();
  }

  /** Looks at all that may end the wait, and sets the time of the next look. */
  #look(): void {
    clearTimeout(this.#timer);
    if (this.#outcome !== undefined || this.#socket.destroyed) return;
    const now = performance.now();
    const { bytesRead } = this.#socket;
    if (bytesRead !== this.#bytesSeen) {
      this.#bytesSeen = bytesRead;
      this.#peerActiveAt = now;
    }
    const unacked = this.#finSent && !this.#isAcked ? this.#unackedBytes() : null;
    if (unacked === 0) this.#isAcked = true;
    const waitsForAcks = unacked !== null && unacked > 0;
    if (this.#finSent && this.#peerFin && !waitsForAcks) {
      this.#release('graceful');
      return;
    }
    let limitAt = this.#deadlineAt;
    if (this.#finSent && !this.#peerFin) {
      limitAt = Math.min(limitAt, this.#peerActiveAt + this.#limits.idle);
    }
    if (now >= limitAt) {
      this.#giveUp();
      return;
    }
    let pauseMs = limitAt - now;
    if (waitsForAcks) {
      pauseMs = Math.min(pauseMs, this.#probeMs);
      this.#probeMs = Math.min(this.#probeMs * 2, LAST_PROBE_MS);
    }
    // Rounded up, lest the timer fires a fraction of a millisecond before the limit.
    const delay = Math.min(Math.ceil(pauseMs), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.#look(), delay);
  }

  #giveUp(): void {
    if (this.#outcome === undefined) this.#release('deadline');
  }

  #release(outcome: CloseOutcome): void {
    this.#outcome = outcome;
    clearTimeout(this.#timer);
    this.#noteLastFacts();
    if (outcome === 'graceful') this.#socket.destroy();
    else resetSocket(this.#socket);
  }

  #noteLastFacts(): void {
    const unackedBytes = this.#unackedBytes();
    const unsent = unsentBytes(this.#socket);
    this.#last =
      unackedBytes === null ? { unsentBytes: unsent } : { unackedBytes, unsentBytes: unsent };
    if (unackedBytes === 0 && unsent === 0) this.#isAcked = true;
  }

  /** Of the bytes that the kernel took; null where nobody can say. */
  #unackedBytes(): number | null {
    const fd = tcpDescriptorOf(this.#socket);
    const unacked = fd === null ? null : readUnacked(fd);
    return unacked === null ? null : Math.max(0, unacked - (this.#finSent ? 1 : 0));
  }

  /**
   * Node destroys a socket as soon as both directions have ended. When the peer's FIN came first, that is before our bytes
   * are acknowledged, and nobody could say any more whether they were. So a destroy() without an error waits for us.
   */
  #holdForAcks(): void {
    if (tcpDescriptorOf(this.#socket) === null || !canAskForUnacked()) return;
    const socket = this.#socket;
    const destroy = socket.destroy.bind(socket);
    socket.destroy = (error?: Error) => {
      const isHeld = this.#outcome === undefined && this.#finSent && this.#peerFin;
      return isHeld && error === undefined ? socket : destroy(error);
    };
  }

  #discarded(): number {
    return this.#unreadBytes + this.#socket.bytesRead - this.#readBefore - this.#readBytes;
  }

  /** The socket has emitted 'close': the descriptor is gone. */
  released(): void {
    clearTimeout(this.#timer);
    const last = this.#last;
    const isUnacked = last.unsentBytes > 0 || (last.unackedBytes ?? 0) > 0;
    const hasEnded = this.#finSent && this.#peerFin;
    this.#settle({
      outcome: this.#outcome ?? (hasEnded ? 'graceful' : 'aborted'),
      finSent: this.#finSent,
      peerFin: this.#peerFin,
      delivery: isUnacked ? 'unacked' : this.#isAcked ? 'acked' : 'unknown',
      ...last,
      discardedBytes: this.#discarded(),
      durationMs: performance.now() - this.#startedAt,
      ...(this.#error === undefined ? {} : { error: this.#error }),
    });
  }
}

function byteLength(chunk: Buffer | string, { readableEncoding }: Socket): number {
  return typeof chunk === 'string'
    ? Buffer.byteLength(chunk, readableEncoding ?? 'utf8')
    : chunk.length;
}

function isReset(error: Error): boolean {
  return 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}
