import { AF_INET6, type TracedProcess, type TraceRecord } from '@lastack/core';
import type { EventFormat } from './event-format.ts';
import type { ThreadOwners } from './thread-owners.ts';

/** The fields of inet_sock_set_state that are read (include/trace/events/sock.h). */
export const STATE_EVENT_FIELDS = [
  'common_pid',
  'skaddr',
  'oldstate',
  'newstate',
  'sport',
  'dport',
  'family',
  'saddr',
  'daddr',
  'saddr_v6',
  'daddr_v6',
] as const;

/** An event of a raw page, each field decoded when it is asked for; events begin at words. */
export class RawEventRecord implements TraceRecord {
  readonly netns = null;
  readonly error = null;
  readonly finReceived = null;
  readonly orphaned = null;
  readonly unread = null;
  readonly acked = null;
  readonly received = null;
  readonly at = 0;
  readonly #offsets: Readonly<Record<(typeof STATE_EVENT_FIELDS)[number], number>>;
  readonly #bootMs: number;
  readonly #owners: ThreadOwners;
  readonly #addresses = new Uint32Array(8);
  #bytes = new DataView(new ArrayBuffer(0));
  #words = new Uint32Array(0);
  #start = 0;
  #ns = 0;

  /** @param bootMs the wall clock, ms since the epoch, when CLOCK_MONOTONIC was 0 */
  constructor({ offsets }: EventFormat, bootMs: number, owners: ThreadOwners) {
    const offsetOf = (name: string) => offsets[name] ?? 0;
    this.#offsets = Object.fromEntries(
      STATE_EVENT_FIELDS.map((name) => [name, offsetOf(name)]),
    ) as Record<(typeof STATE_EVENT_FIELDS)[number], number>;
    this.#bootMs = bootMs;
    this.#owners = owners;
  }

  moveTo(words: Uint32Array<ArrayBuffer>, place: number, ns: number): void {
    if (words !== this.#words) {
      this.#words = words;
      this.#bytes = new DataView(words.buffer, words.byteOffset, words.byteLength);
    }
    this.#start = 4 * place;
    this.#ns = ns;
  }

  get atMs(): number {
    return this.#bootMs + this.#ns / 1e6;
  }

  /** The socket's address in the kernel's memory: its lower 48 bits, by which it differs from others. */
  get socket(): number {
    const at = this.#start + this.#offsets.skaddr;
    return this.#bytes.getUint16(at + 4, true) * 2 ** 32 + this.#bytes.getUint32(at, true);
  }

  get from(): number {
    return this.#bytes.getInt32(this.#start + this.#offsets.oldstate, true);
  }

  get to(): number {
    return this.#bytes.getInt32(this.#start + this.#offsets.newstate, true);
  }

  get family(): number {
    return this.#short('family');
  }

  get localPort(): number {
    return this.#short('sport');
  }

  get remotePort(): number {
    return this.#short('dport');
  }

  get addresses(): Uint32Array {
    const isIpv6 = this.family === AF_INET6;
    this.#copy(isIpv6 ? this.#offsets.saddr_v6 : this.#offsets.saddr, 0, isIpv6 ? 4 : 1);
    this.#copy(isIpv6 ? this.#offsets.daddr_v6 : this.#offsets.daddr, 4, isIpv6 ? 4 : 1);
    return this.#addresses;
  }

  /** The event names the thread. */
  get running(): TracedProcess | null {
    const thread = this.#bytes.getInt32(this.#start + this.#offsets.common_pid, true);
    return thread === 0 ? null : this.#owners.ownerOf(thread);
  }

  #short(name: 'sport' | 'dport' | 'family'): number {
    return this.#bytes.getUint16(this.#start + this.#offsets[name], true);
  }

  #copy(offset: number, to: number, words: number): void {
    for (let word = 0; word < words; word++) {
      this.#addresses[to + word] = this.#bytes.getUint32(this.#start + offset + 4 * word, true);
    }
  }
}
