import type { Socket } from 'node:net';
import type { Timeouts } from '../timeouts.ts';
import { unsentBytes } from './node-handle.ts';

/** The limits that bound an open socket, in milliseconds. */
export type WatchedTimeouts = Pick<Timeouts, 'write' | 'read' | 'idle' | 'total'>;

type Phase = keyof WatchedTimeouts;
type Expire = (phase: Phase, timeoutMs: number, elapsedMs: number) => void;

/** Whether there is anything to watch; `Infinity` is no limit. */
export function hasLimit({ write, read, idle, total }: WatchedTimeouts): boolean {
  return [write, read, idle, total].some((limit) => limit !== undefined && limit !== Infinity);
}

/** Progress is looked for this often within a limit: an expiry comes up to a quarter of the limit late, never early. */
const LOOKS_PER_LIMIT = 4;
/** Longer timers overflow in Node. */
const LONGEST_TIMER_MS = 0x7fffffff;

/**
 * The time-outs of one open socket, by one timer. The timer is set for the earliest moment at which a limit can have run
 * out and looks then what has happened meanwhile, so that reads and writes cost next to nothing.
 */
export class SocketWatch {
  readonly #socket: Socket;
  readonly #limits: WatchedTimeouts;
  readonly #expire: Expire;
  readonly #startedAt: number;
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Infinity;
  #isStopped = false;
  #hasPolled = false;
  #readSince: number | null = null;
  #writeSince: number | null = null;
  #taken = 0;
  #idleSince: number;
  #moved = 0;

  /** @param startedAt when the exchange began, for `total` */
  constructor(socket: Socket, limits: WatchedTimeouts, startedAt: number, expire: Expire) {
    this.#socket = socket;
    this.#limits = limits;
    this.#startedAt = startedAt;
    this.#expire = expire;
    this.#idleSince = performance.now();
    this.#look();
  }

  /** Somebody waits for data from now on. */
  readBegan(): void {
    if (this.#limits.read === undefined) return;
    const now = performance.now();
    this.#readSince = now;
    this.#fireAt(now + this.#limits.read, now);
  }

  readEnded(): void {
    this.#readSince = null;
  }

  /** Something waits to be taken by the kernel. */
  writeBegan(): void {
    if (this.#limits.write === undefined || this.#writeSince !== null) return;
    const now = performance.now();
    this.#writeSince = now;
    this.#taken = this.#takenBytes();
    this.#fireAt(now + this.#limits.write / LOOKS_PER_LIMIT, now);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firesAt = -Infinity;
  }

  #look(): void {
    this.#timer = undefined;
    this.#firesAt = Infinity;
    const now = performance.now();
    const { write, read, idle, total } = this.#limits;
    if (total !== undefined) {
      if (this.#isOver('total', total, this.#startedAt, now)) return;
      this.#fireAt(this.#startedAt + total, now);
    }
    if (read !== undefined && this.#readSince !== null) {
      if (this.#isOver('read', read, this.#readSince, now)) return;
      this.#fireAt(this.#readSince + read, now);
    }
    if (write !== undefined && this.#writeSince !== null) {
      const taken = this.#takenBytes();
      if (this.#socket.writableLength === 0) {
        this.#writeSince = null;
      } else if (taken !== this.#taken) {
        this.#taken = taken;
        this.#writeSince = now;
      }
      if (this.#writeSince !== null) {
        if (this.#isOver('write', write, this.#writeSince, now)) return;
        const next = Math.min(this.#writeSince + write, now + write / LOOKS_PER_LIMIT);
        this.#fireAt(next, now);
      }
    }
    if (idle !== undefined) {
      const moved = this.#takenBytes() + this.#socket.bytesRead;
      if (moved !== this.#moved) {
        this.#moved = moved;
        this.#idleSince = now;
      }
      if (this.#isOver('idle', idle, this.#idleSince, now)) return;
      this.#fireAt(Math.min(this.#idleSince + idle, now + idle / LOOKS_PER_LIMIT), now);
    }
  }

  #lookAgain(): void {
    if (this.#isStopped) return;
    this.#hasPolled = true;
    this.#look();
    this.#hasPolled = false;
  }

  #isOver(phase: Phase, limit: number, since: number, now: number): boolean {
    if (now - since < limit) return false;
    if (phase !== 'total' && !this.#hasPolled) {
      // Node runs its timers before it reads: after a blocked event loop the bytes may be in the kernel's buffer.
      clearTimeout(this.#timer);
      this.#firesAt = -Infinity;
      setImmediate(() => this.#lookAgain());
      return true;
    }
    this.stop();
    this.#expire(phase, limit, now - since);
    return true;
  }

  #fireAt(at: number, now: number): void {
    if (this.#firesAt <= at) return;
    clearTimeout(this.#timer);
    this.#firesAt = at;
    const delay = Math.min(Math.ceil(at - now), LONGEST_TIMER_MS);
    // The socket keeps the process alive as long as it must live; a limit on it should not.
    this.#timer = setTimeout(() => this.#look(), delay).unref();
  }

  #takenBytes(): number {
    return this.#socket.bytesWritten - unsentBytes(this.#socket);
  }
}
