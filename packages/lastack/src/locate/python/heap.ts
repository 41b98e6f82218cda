import type { Interpreter } from './interpreter.ts';
import { TPFLAGS, type PythonObjects } from './objects.ts';
import { isAddress, Unreadable } from './process-memory.ts';
import type { References } from './references.ts';
import { readInterpreters } from './thread-stacks.ts';

/** The objects that Python's collector of cycles knows, and what each refers to: columns, since there are many. */
export interface Heap {
  readonly count: number;
  readonly addresses: Float64Array;
  /** Addresses of all references; those of object i begin at `starts[i]` and end at `starts[i + 1]`. */
  readonly references: Float64Array;
  readonly starts: Uint32Array;
  /** Sockets among them, and the descriptor of each. */
  readonly sockets: ReadonlyMap<number, number>;
  /** Whether every object was read: the process changes meanwhile, and the budget is limited. */
  readonly complete: boolean;
}

const MOST_OBJECTS = 2_000_000;
const MOST_REFERENCES = 16_000_000;
const GENERATIONS = 3;

/** Reads the objects of all generations and the permanent one: Modules/gcmodule.c, struct _gc_runtime_state. */
export function readHeap(
  objects: PythonObjects,
  references: References,
  interpreter: Interpreter,
): Heap {
  const columns = new Columns();
  let complete = true;
  try {
    for (const head of generationHeads(objects, interpreter)) {
      complete = readGeneration(objects, references, head, columns) && complete;
    }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    complete = false;
  }
  return { ...columns.done(), complete };
}

function generationHeads(objects: PythonObjects, interpreter: Interpreter): number[] {
  const { offsets } = objects;
  const bases =
    interpreter.version.minor === 8
      ? [interpreter.runtime]
      : readInterpreters(objects, interpreter);
  return bases.flatMap((base) => {
    const first = base + offsets.gc_generations;
    const permanent = first + GENERATIONS * offsets.gc_generation_size + 8;
    return [0, 1, 2]
      .map((generation) => first + generation * offsets.gc_generation_size)
      .concat(permanent);
  });
}

/** Follows the ring of `PyGC_Head {_gc_next, _gc_prev}`; the lowest bits of a link are the collector's marks. */
function readGeneration(
  objects: PythonObjects,
  references: References,
  head: number,
  columns: Columns,
): boolean {
  const { memory, offsets } = objects;
  let at = unmarked(memory.u64(head));
  // Links that changed meanwhile may form a ring without the head: Brent's cycle detection.
  let mark = at;
  let untilMark = 1;
  while (at !== head) {
    const object = at + offsets.gc_head_size;
    const type = isAddress(at) ? objects.typeAt(memory.u64(object + offsets.ob_type)) : null;
    // Another ring's head, or an object that was freed.
    if (type === null || (type.flags & TPFLAGS.HAVE_GC) === 0) return false;
    if (!columns.begin(object)) return false;
    if (type.isSocket) columns.addSocket(object, memory.i32(object + offsets.object_size));
    references.visit(object, type, columns.add);
    if (memory.exhausted) return false;
    at = unmarked(memory.u64(at));
    if (at === mark) return false;
    if (--untilMark === 0) {
      mark = at;
      untilMark = columns.count;
    }
  }
  return true;
}

function unmarked(link: number): number {
  return link - (link % 4);
}

/** Columns that grow. */
class Columns {
  #addresses = new Float64Array(1 << 14);
  #starts = new Uint32Array(1 << 14);
  #references = new Float64Array(1 << 16);
  #objects = 0;
  #length = 0;
  readonly #sockets = new Map<number, number>();

  /** @returns false when there are too many */
  begin(object: number): boolean {
    if (this.#objects >= MOST_OBJECTS || this.#length >= MOST_REFERENCES) return false;
    if (this.#objects + 1 >= this.#addresses.length) {
      this.#addresses = grow(this.#addresses, new Float64Array(this.#addresses.length * 2));
      this.#starts = grow(this.#starts, new Uint32Array(this.#starts.length * 2));
    }
    this.#addresses[this.#objects] = object;
    this.#starts[this.#objects++] = this.#length;
    return true;
  }

  get count(): number {
    return this.#objects;
  }

  readonly add = (child: number): void => {
    if (this.#length === this.#references.length) {
      this.#references = grow(this.#references, new Float64Array(this.#length * 2));
    }
    this.#references[this.#length++] = child;
  };

  addSocket(object: number, fd: number): void {
    this.#sockets.set(object, fd);
  }

  done(): Omit<Heap, 'complete'> {
    this.#starts[this.#objects] = this.#length;
    return {
      count: this.#objects,
      addresses: this.#addresses,
      references: this.#references,
      starts: this.#starts,
      sockets: this.#sockets,
    };
  }
}

function grow<T extends Float64Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
