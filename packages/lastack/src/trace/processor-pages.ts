import { foreignBuffer, type Libc } from '../kernel/ffi.ts';
import { walkRawPage } from './raw-page.ts';

/** Read at once from a processor's buffer. */
const PAGES = 128;

/** The events of one processor that were read and not handed on, in the order of the clock. */
export class ProcessorPages {
  readonly #libc: Libc;
  readonly #pipe: number;
  readonly #pageBytes: number;
  readonly #buffer: Buffer<ArrayBuffer>;
  readonly words: Uint32Array<ArrayBuffer>;
  /** Of each event: its time, ns, and the word where its data begin. */
  readonly #times: Float64Array;
  readonly #places: Uint32Array;
  #end = 0;
  #next = 0;
  #count = 0;
  /** Events that the kernel dropped. */
  lost = 0;

  constructor(libc: Libc, pipe: number, pageBytes: number) {
    this.#libc = libc;
    this.#pipe = pipe;
    this.#pageBytes = pageBytes;
    this.#buffer = foreignBuffer(PAGES * pageBytes);
    this.words = new Uint32Array(this.#buffer.buffer);
    // An event takes eight bytes at least.
    this.#times = new Float64Array((PAGES * pageBytes) / 8);
    this.#places = new Uint32Array((PAGES * pageBytes) / 8);
  }

  /** @returns whether there may be more than there was room for */
  fill(): boolean {
    this.#forgetHandedOn();
    while (this.#end + this.#pageBytes <= this.#buffer.length) {
      const page = this.#buffer.subarray(this.#end, this.#end + this.#pageBytes);
      if (this.#libc.read(this.#pipe, page, this.#pageBytes) <= 0) return false;
      const first = this.#end >>> 2;
      const words = this.words.subarray(first, first + (this.#pageBytes >>> 2));
      this.lost += walkRawPage(words, (at, ns) => {
        this.#times[this.#count] = ns;
        this.#places[this.#count++] = first + at;
      });
      this.#end += this.#pageBytes;
    }
    return true;
  }

  /** The time of the next event, ns; Infinity for none. */
  get nextNs(): number {
    return this.#next < this.#count ? this.#times[this.#next] : Infinity;
  }

  /** The time of the last event that was read. */
  get lastNs(): number {
    return this.#count === 0 ? 0 : this.#times[this.#count - 1];
  }

  /** Takes the next event. @returns the word where its data begin */
  take(): number {
    return this.#places[this.#next++];
  }

  /** What waits is moved to the front, with the page that it is in. */
  #forgetHandedOn(): void {
    const waiting = this.#count - this.#next;
    if (waiting === 0) this.#end = 0;
    else {
      const { words } = this;
      const firstPlace = this.#places[this.#next];
      const start = firstPlace * 4 - ((firstPlace * 4) % this.#pageBytes);
      words.copyWithin(0, start >>> 2, this.#end >>> 2);
      for (let i = 0; i < waiting; i++) {
        this.#times[i] = this.#times[this.#next + i];
        this.#places[i] = this.#places[this.#next + i] - (start >>> 2);
      }
      this.#end -= start;
    }
    this.#next = 0;
    this.#count = waiting;
  }
}
