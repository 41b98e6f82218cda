import type { Offsets } from './offsets.ts';
import { isAddress, Unreadable, type ProcessMemory } from './process-memory.ts';

/** What is known of a type of the process. */
export interface TypeFacts {
  /** `tp_name`: bare for a class of Python, `_socket.socket` for one of C. */
  readonly name: string;
  readonly flags: number;
  readonly basicSize: number;
  readonly dictOffset: number;
  /** Its base chain reaches `_socket.socket`. */
  readonly isSocket: boolean;
  /** Its base chain reaches a weak reference, which holds nothing. */
  readonly isWeak: boolean;
}

/** `tp_flags`, Include/object.h. */
export const TPFLAGS = {
  INLINE_VALUES: 1 << 2,
  MANAGED_DICT: 1 << 4,
  HEAPTYPE: 1 << 9,
  HAVE_GC: 1 << 14,
  LONG_SUBCLASS: 1 << 24,
  LIST_SUBCLASS: 1 << 25,
  TUPLE_SUBCLASS: 1 << 26,
  BYTES_SUBCLASS: 1 << 27,
  UNICODE_SUBCLASS: 1 << 28,
  DICT_SUBCLASS: 1 << 29,
  TYPE_SUBCLASS: 1 << 31,
} as const;

const SOCKET = '_socket.socket';
/** Until 3.11, and from 3.12 on; proxies. */
const WEAK = new Set(['weakref', 'weakref.ReferenceType', 'weakproxy', 'weakref.ProxyType']);
const LONGEST_BASE_CHAIN = 32;
const LONGEST_NAME = 4096;

/** Reads objects of a Python process, each checked to be of the type that it is taken for. */
export class PythonObjects {
  readonly memory: ProcessMemory;
  readonly offsets: Offsets;
  /** Types live as long as their objects, and those of C for ever: they are read once a run of lastack on a process. */
  readonly #types = new Map<number, TypeFacts | null>();

  constructor(memory: ProcessMemory, offsets: Offsets) {
    this.memory = memory;
    this.offsets = offsets;
  }

  /** The type of the object at an address; null where there is no object. */
  typeOf(object: number): TypeFacts | null {
    return this.typeAt(this.memory.u64(object + this.offsets.ob_type));
  }

  typeAt(address: number): TypeFacts | null {
    let type = this.#types.get(address);
    if (type === undefined) {
      type = isAddress(address) ? this.#readType(address) : null;
      this.#types.set(address, type);
    }
    return type;
  }

  /** @throws Unreadable unless the object is of the built-in type of that name */
  expectType(object: number, name: string): void {
    const type = this.typeOf(object);
    if (type?.name !== name || (type.flags & TPFLAGS.HEAPTYPE) !== 0) {
      throw new Unreadable(`no ${name} at ${object}`);
    }
  }

  /**
   * The text of a str that names something: of a variable, an attribute, a module, a function, a file. Values of the program
   * are never read with it.
   */
  name(object: number): string {
    this.expectType(object, 'str');
    const { memory, offsets } = this;
    const state = memory.u32(object + offsets.str_state);
    const length = memory.u64(object + offsets.str_length);
    // struct { interned:2; kind:3; compact:1; ascii:1 }, Include/cpython/unicodeobject.h
    const kind = (state >> 2) & 7;
    const compact = (state >> 5) & 1;
    const ascii = (state >> 6) & 1;
    if (compact === 0 || length > LONGEST_NAME) throw new Unreadable(`no name at ${object}`);
    const start = object + (ascii === 1 ? offsets.ascii_size : offsets.compact_size);
    const bytes = memory.bytes(start, length * kind, LONGEST_NAME * 4);
    return decode(bytes, kind);
  }

  /** The bytes of a bytes object. */
  bytes(object: number, limit: number): Buffer {
    this.expectType(object, 'bytes');
    const length = this.memory.u64(object + this.offsets.ob_size);
    return this.memory.bytes(object + this.offsets.bytes_value, length, limit);
  }

  /** The addresses in a tuple. */
  tuple(object: number, limit: number): number[] {
    this.expectType(object, 'tuple');
    return this.pointers(
      object + this.offsets.tuple_items,
      this.memory.u64(object + this.offsets.ob_size),
      limit,
    );
  }

  /** `PyObject *[count]`; 0 stands for null and for what is no address. */
  pointers(address: number, count: number, limit: number): number[] {
    if (!(count >= 0 && count <= limit)) throw new Unreadable(`${count} objects at ${address}`);
    return Array.from({ length: count }, (_, index) => {
      const value = this.memory.u64(address + index * 8);
      return isAddress(value) ? value : 0;
    });
  }

  #readType(address: number): TypeFacts | null {
    const { memory, offsets } = this;
    try {
      // A type's own type is `type` or a metaclass: what does not end there in a few steps is no type.
      const name = memory.cString(memory.u64(address + offsets.tp_name));
      if (!/^[^\0-\x20]+$/.test(name)) return null;
      const bases = this.#basesOf(address);
      return {
        name,
        flags: memory.i32(address + offsets.tp_flags),
        basicSize: memory.u64(address + offsets.tp_basicsize),
        dictOffset: memory.i64(address + offsets.tp_dictoffset),
        isSocket: bases.includes(SOCKET),
        isWeak: bases.some((base) => WEAK.has(base)),
      };
    } catch (error) {
      if (error instanceof Unreadable) return null;
      throw error;
    }
  }

  /** The names of a type and of what it is derived from. */
  #basesOf(type: number): string[] {
    const { memory, offsets } = this;
    const names: string[] = [];
    for (let at = type; at !== 0 && names.length < LONGEST_BASE_CHAIN;) {
      names.push(memory.cString(memory.u64(at + offsets.tp_name)));
      at = memory.pointer(at + offsets.tp_base);
    }
    return names;
  }
}

/** PEP 393: one, two or four bytes a character. */
function decode(bytes: Buffer, kind: number): string {
  switch (kind) {
    case 1:
      return bytes.toString('latin1');
    case 2:
      return bytes.toString('utf16le');
    case 4:
      return Array.from({ length: bytes.length / 4 }, (_, index) => {
        const point = bytes.readUInt32LE(index * 4);
        return point <= 0x10ffff ? String.fromCodePoint(point) : '\ufffd';
      }).join('');
    default:
      throw new Unreadable(`no string of kind ${kind}`);
  }
}
