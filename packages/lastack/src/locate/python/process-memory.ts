import { closeSync, openSync, readSync } from 'node:fs';

const PAGE = 4096;
const LOWEST = 0x1000;
/** User addresses end here: x86-64 with four levels of page tables, which is all that glibc's malloc and mmap give. */
const HIGHEST = 2 ** 47;

/** What was asked for cannot be what it should be: an address that is not mapped, a length that is too large. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

/** A page in a slab of many, as bytes and as words of 32 bits: these are what is read most. */
interface Page {
  readonly slab: Buffer;
  readonly words: Uint32Array;
  /** Where in the slab the page begins, bytes. */
  readonly start: number;
}

const SLAB = 64 * PAGE;
const NO_PAGE: Page = { slab: Buffer.alloc(0), words: new Uint32Array(), start: 0 };

export interface Budget {
  /** Of the process's memory, for one look. */
  readonly bytes: number;
  readonly ms: number;
  /** A clock that does not jump, ms. */
  readonly now: () => number;
}

/**
 * The memory of a process, read page by page while it runs: no pause, no signal. What is read may be torn: pages are of
 * different moments, so every value has to be checked before it is believed. The descriptor belongs to the program that the
 * process ran when it was opened: after an exec it reads nothing (fs/proc/base.c, mem_open()).
 */
export class ProcessMemory {
  readonly #fd: number;
  readonly #now: () => number;
  #pages = new Map<number, Page>();
  #lastAt = -1;
  #last: Page = NO_PAGE;
  /** Where the next page goes. */
  #free: Page = NO_PAGE;
  #bytesLeft = 0;
  #deadline = 0;

  /** @throws what open(2) throws: EACCES where the process may not be traced, ENOENT where it ended */
  constructor(path: string, budget: Budget) {
    this.#fd = openSync(path, 'r');
    this.#now = budget.now;
    this.look(budget);
  }

  /** Begins a new look: forgets what was read. */
  look({ bytes, ms }: Pick<Budget, 'bytes' | 'ms'>): void {
    this.#pages = new Map();
    this.#lastAt = -1;
    this.extend({ bytes, ms });
  }

  /** Allows more for the same look. */
  extend({ bytes, ms }: Pick<Budget, 'bytes' | 'ms'>): void {
    this.#bytesLeft = bytes;
    this.#deadline = this.#now() + ms;
  }

  /** Whether the budget of this look is used up: what follows is Unreadable. */
  get exhausted(): boolean {
    return this.#bytesLeft <= 0 || this.#now() > this.#deadline;
  }

  /** Whether the process still runs the same program. */
  isAlive(address: number): boolean {
    try {
      return readSync(this.#fd, Buffer.alloc(1), 0, 1, address) === 1;
    } catch {
      return false;
    }
  }

  u8(address: number): number {
    const { slab, start } = this.#page(address);
    return slab[start + (address % PAGE)];
  }

  u32(address: number): number {
    if (address % 4 !== 0) return this.bytes(address, 4).readUInt32LE();
    const { words, start } = this.#page(address);
    return words[(start + (address % PAGE)) / 4];
  }

  i32(address: number): number {
    return this.u32(address) | 0;
  }

  /** A word as a number: exact below 2^53, and every address and length is. */
  u64(address: number): number {
    if (address % 8 !== 0) return Number(this.bytes(address, 8).readBigUInt64LE());
    const { words, start } = this.#page(address);
    const at = (start + (address % PAGE)) / 4;
    return words[at] + words[at + 1] * 2 ** 32;
  }

  i64(address: number): number {
    return Number(this.bytes(address, 8).readBigInt64LE());
  }

  /** A word that is null or points to an object, which is aligned. */
  pointer(address: number): number {
    const value = this.u64(address);
    if (value !== 0 && !isAddress(value)) throw new Unreadable(`no address at ${address}`);
    return value;
  }

  /** @param limit the length comes from the process too: above this it is not believed */
  bytes(address: number, length: number, limit = PAGE): Buffer {
    if (!(length >= 0 && length <= limit)) throw new Unreadable(`${length} bytes at ${address}`);
    const end = address + length;
    if (address >= LOWEST && Math.floor(address / PAGE) === Math.floor((end - 1) / PAGE)) {
      const { slab, start } = this.#page(address);
      const from = start + (address % PAGE);
      return slab.subarray(from, from + length);
    }
    const bytes = Buffer.allocUnsafe(length);
    for (let at = address; at < end;) {
      const from = at % PAGE;
      const count = Math.min(PAGE - from, end - at);
      const { slab, start } = this.#page(at);
      slab.copy(bytes, at - address, start + from, start + from + count);
      at += count;
    }
    return bytes;
  }

  /** A text of C that ends with a zero byte. */
  cString(address: number, limit = 256): string {
    let text = '';
    for (let at = address; text.length < limit; at++) {
      const byte = this.u8(at);
      if (byte === 0) return text;
      text += String.fromCharCode(byte);
    }
    throw new Unreadable(`no end of the text at ${address}`);
  }

  #page(address: number): Page {
    const at = address - (address % PAGE);
    if (at === this.#lastAt) return this.#last;
    const page = this.#pages.get(at) ?? this.#read(at);
    this.#lastAt = at;
    this.#last = page;
    return page;
  }

  #read(at: number): Page {
    if (!(at >= LOWEST && at < HIGHEST)) throw new Unreadable(`no address: ${at}`);
    if (this.exhausted) throw new Unreadable('the budget is used up');
    const page = this.#place();
    this.#bytesLeft -= PAGE;
    let got = 0;
    try {
      got = readSync(this.#fd, page.slab, page.start, PAGE, at);
    } catch {
      // EIO: not mapped.
    }
    if (got !== PAGE) throw new Unreadable(`nothing is mapped at ${at}`);
    this.#pages.set(at, page);
    this.#free = { ...page, start: page.start + PAGE };
    return page;
  }

  #place(): Page {
    if (this.#free.start < this.#free.slab.length) return this.#free;
    const slab = Buffer.allocUnsafeSlow(SLAB);
    return { slab, words: new Uint32Array(slab.buffer), start: 0 };
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** Whether an object of the process could be there. */
export function isAddress(value: number): boolean {
  return value >= LOWEST && value < HIGHEST && value % 8 === 0;
}
