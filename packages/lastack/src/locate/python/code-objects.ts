import { lineAt, lineTableForm, type LineTableForm } from './line-table.ts';
import type { PythonObjects } from './objects.ts';
import { Unreadable } from './process-memory.ts';

/** A code object: what was compiled from a function, a class body or a module. */
export interface Code {
  readonly file: string;
  /** Its qualified name, `Pool.get`, from 3.11 on. */
  readonly function: string;
  readonly firstLine: number;
  /** Bytes of code. */
  readonly size: number;
  readonly lines: Uint8Array;
  readonly form: LineTableForm;
}

/** A function of 100,000 lines has a table of some 500 kB. */
const LONGEST_TABLE = 1 << 20;
const LARGEST_CODE = 16 << 20;
const MOST_LOCALS = 2000;
const CODE_UNIT = 2;

/** Reads code objects, each once: they do not change, but what is no code object any more must not stay. */
export class CodeObjects {
  readonly #objects: PythonObjects;
  readonly #minor: number;
  readonly #known = new Map<number, Code>();
  readonly #locals = new Map<number, readonly string[]>();
  readonly #lines = new Map<Code, Map<number, number | null>>();

  constructor(objects: PythonObjects, minor: number) {
    this.#objects = objects;
    this.#minor = minor;
  }

  /** @throws Unreadable where there is none */
  at(address: number): Code {
    this.#objects.expectType(address, 'code');
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const { memory, offsets } = this.#objects;
    const named = offsets.co_qualname >= 0 ? offsets.co_qualname : offsets.co_name;
    const code = {
      file: this.#objects.name(memory.pointer(address + offsets.co_filename)),
      function: this.#objects.name(memory.pointer(address + named)),
      firstLine: memory.i32(address + offsets.co_firstlineno),
      size: this.#sizeOf(address),
      lines: Buffer.from(
        this.#objects.bytes(memory.pointer(address + offsets.co_linetable), LONGEST_TABLE),
      ),
      form: lineTableForm(this.#minor),
    };
    if (code.size > LARGEST_CODE) throw new Unreadable(`no code at ${address}`);
    this.#known.set(address, code);
    return code;
  }

  /**
   * The line of an instruction; null where it has none: code that the compiler or the interpreter added. Threads of a pool
   * all wait at one, so it is looked up once.
   * @param offset bytes from the start of the code
   * @throws Unreadable for one outside of it: the frame was read while it changed
   */
  lineOf(code: Code, offset: number): number | null {
    if (!(offset >= NOT_BEGUN && offset < code.size)) throw new Unreadable(`no code at ${offset}`);
    let lines = this.#lines.get(code);
    if (lines === undefined) this.#lines.set(code, (lines = new Map<number, number | null>()));
    let line = lines.get(offset);
    if (line === undefined) {
      line = lineAt(code.form, code.lines, code.firstLine, offset);
      lines.set(offset, line);
    }
    return line;
  }

  /** The names of its local variables, parameters first, in the order of a frame's `localsplus`. */
  localsOf(address: number): readonly string[] {
    const known = this.#locals.get(address);
    if (known !== undefined) return known;
    const { memory, offsets } = this.#objects;
    const fields =
      offsets.co_localsplusnames >= 0
        ? [offsets.co_localsplusnames]
        : [offsets.co_varnames, offsets.co_cellvars, offsets.co_freevars];
    const names = fields.flatMap((field) =>
      this.#objects
        .tuple(memory.pointer(address + field), MOST_LOCALS)
        .map((name) => this.#objects.name(name)),
    );
    this.#locals.set(address, names);
    return names;
  }

  /** From 3.11 on the code is at the end of the object, before that in a bytes object of its own. */
  #sizeOf(address: number): number {
    const { memory, offsets } = this.#objects;
    if (offsets.co_code_adaptive >= 0) return memory.u64(address + offsets.ob_size) * CODE_UNIT;
    const code = memory.pointer(address + offsets.co_code);
    this.#objects.expectType(code, 'bytes');
    return memory.u64(code + offsets.ob_size);
  }
}

/** Before the first instruction: -1 until 3.9, one code unit before. */
const NOT_BEGUN = -CODE_UNIT;
