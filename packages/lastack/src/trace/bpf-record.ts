import type { TracedProcess, TraceRecord } from '@lastack/core';
import { parseCommand } from '../kernel/commands.ts';
import { STATE_CHANGE } from '../kernel/state-changes-program.ts';

const HIGH_WORD = 2 ** 32;
/** enum sock_flags: no program holds the socket; the peer's FIN has been taken (tcp_fin()). */
const SOCK_DEAD = 1 << 0;
const SOCK_DONE = 1 << 1;
const PROCESSES_AT_MOST = 10_000;

/** A record of the ring buffer, each field decoded when it is asked for. */
export class BpfRecord implements TraceRecord {
  addresses = new Uint32Array(0);
  #at = 0;
  readonly #bootMs: number;
  readonly #processes = new Map<number, NamedProcess>();

  /** @param bootMs the wall clock, ms since the epoch, when CLOCK_MONOTONIC was 0 */
  constructor(bootMs: number) {
    this.#bootMs = bootMs;
  }

  /** From now on it is the record that begins at a word; the words must stay as long as it is asked. */
  moveTo(words: Uint32Array<ArrayBuffer>, at: number): void {
    this.addresses = words;
    this.#at = at;
  }

  get at(): number {
    return this.#at + STATE_CHANGE.source;
  }

  get atMs(): number {
    return this.#bootMs + this.#wide(STATE_CHANGE.timeLow) / 1e6;
  }

  get socket(): number {
    return this.#wide(STATE_CHANGE.cookieLow);
  }

  get netns(): number {
    return this.#word(STATE_CHANGE.netns);
  }

  get from(): number {
    return this.#word(STATE_CHANGE.states) & 0xff;
  }

  get to(): number {
    return (this.#word(STATE_CHANGE.states) >>> 8) & 0xff;
  }

  get family(): number {
    return this.#word(STATE_CHANGE.states) >>> 16;
  }

  get localPort(): number {
    return this.#word(STATE_CHANGE.ports) & 0xffff;
  }

  get remotePort(): number {
    const ports = this.#word(STATE_CHANGE.ports);
    return ((ports >>> 8) & 0xff00) | (ports >>> 24);
  }

  get error(): number {
    return this.#word(STATE_CHANGE.error);
  }

  get orphaned(): boolean {
    return (this.#word(STATE_CHANGE.flags) & SOCK_DEAD) !== 0;
  }

  get finReceived(): boolean {
    return (this.#word(STATE_CHANGE.flags) & SOCK_DONE) !== 0;
  }

  get unread(): number {
    return (this.#word(STATE_CHANGE.rcvNxt) - this.#word(STATE_CHANGE.copiedSeq)) >>> 0;
  }

  get acked(): number {
    return this.#wide(STATE_CHANGE.acked);
  }

  get received(): number {
    return this.#wide(STATE_CHANGE.received);
  }

  get running(): TracedProcess | null {
    const pid = this.#word(STATE_CHANGE.pid);
    if (pid === 0) return null;
    const at = this.#at + STATE_CHANGE.command;
    const words = this.addresses;
    const known = this.#processes.get(pid);
    if (known?.isNamed(words, at) === true) return known;
    if (this.#processes.size >= PROCESSES_AT_MOST) this.#processes.clear();
    const named = new NamedProcess(pid, words, at);
    this.#processes.set(pid, named);
    return named;
  }

  #word(offset: number): number {
    return this.addresses[this.#at + offset];
  }

  #wide(offset: number): number {
    const at = this.#at + offset;
    return this.addresses[at + 1] * HIGH_WORD + this.addresses[at];
  }
}

/** A process that is recognized by the bytes of its name: it may take another. */
class NamedProcess implements TracedProcess {
  readonly pid: number;
  readonly command: string;
  readonly #name: Uint32Array;

  constructor(pid: number, words: Uint32Array, at: number) {
    this.pid = pid;
    this.#name = words.slice(at, at + 4);
    const bytes = new Uint8Array(this.#name.buffer);
    const end = bytes.indexOf(0);
    this.command = parseCommand(end === -1 ? bytes : bytes.subarray(0, end));
  }

  isNamed(words: Uint32Array, at: number): boolean {
    const name = this.#name;
    return (
      name[0] === words[at] &&
      name[1] === words[at + 1] &&
      name[2] === words[at + 2] &&
      name[3] === words[at + 3]
    );
  }
}
