import { visitDict, visitValues } from './dicts.ts';
import type { Frames } from './frames.ts';
import { TPFLAGS, type PythonObjects, type TypeFacts } from './objects.ts';
import { isAddress, Unreadable } from './process-memory.ts';

/**
 * How an object refers to another: at an index of a list, tuple, deque or queue; as a member of a set; as the value or the key of an
 * entry of a dict; as an attribute; through the dict with its attributes; as a local variable of a frame; by a field.
 */
export type How = 'item' | 'member' | 'value' | 'key' | 'attribute' | 'dict' | 'local' | 'field';

/**
 * @param where the index (`item`, `local`), the address of the key (`value`, `attribute`), or the offset (`field`, `dict`)
 */
export type Visit = (child: number, how: How, where: number) => void;

/** Generators, coroutines and asynchronous generators keep a frame while they are suspended. */
export const SUSPENDABLE: ReadonlySet<string> = new Set([
  'generator',
  'coroutine',
  'async_generator',
]);

/** `gi_frame_state`: negative before the first step and between two, 0 in one, positive when it has ended. */
const FRAME_EXECUTING = 0;
const MOST_ITEMS = 4 << 20;
const LARGEST_OBJECT = 2048;
const WORD = 8;
/** Words before an object with a managed dict: pycore_object.h, MANAGED_DICT_OFFSET, _PyObject_ValuesPointer(). */
const MANAGED_DICT = -3 * WORD;
const VALUES_3_11 = -4 * WORD;
/** `PyDictValues.valid` of 3.13. */
const VALUES_VALID = 3;
/** Modules/_collectionsmodule.c: `dequeobject` {PyVarObject, leftblock, rightblock, leftindex}, `block` of 64. */
const DEQUE = { leftblock: 24, leftindex: 40, data: 8, rightlink: 8 + 64 * 8, length: 64 };
/** Modules/_queuemodule.c of 3.13: `simplequeueobject` with a `RingBuf`; before, it kept a list. */
const RING = { name: '_queue.SimpleQueue', next: 32, items: 40, capacity: 48, count: 56 };

/** Finds out what an object of a Python process refers to. */
export class References {
  readonly #objects: PythonObjects;
  readonly #frames: Frames;
  readonly #minor: number;

  constructor(objects: PythonObjects, frames: Frames, minor: number) {
    this.#objects = objects;
    this.#frames = frames;
    this.#minor = minor;
  }

  /** Visits what can be read of an object's references; weak ones hold nothing and are left out. */
  visit(object: number, type: TypeFacts, visit: Visit): void {
    try {
      this.#visit(object, type, visit);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
    }
  }

  #visit(object: number, type: TypeFacts, visit: Visit): void {
    if (type.isWeak) return;
    const builtin = (type.flags & TPFLAGS.HEAPTYPE) === 0;
    if (builtin && (type.name === 'frame' || SUSPENDABLE.has(type.name))) {
      const at = this.frameOf(object, type);
      if (at !== 0) this.#visitLocals(at, visit);
      return;
    }
    if (type.name === 'collections.deque') this.#visitDeque(object, visit);
    if (type.name === RING.name && this.#minor >= 13) this.#visitRing(object, visit);
    if ((type.flags & TPFLAGS.DICT_SUBCLASS) !== 0) {
      visitDict(this.#objects, object, (key, value) => {
        visit(value, 'value', key);
        visit(key, 'key', key);
      });
      if (builtin) return;
    } else if ((type.flags & TPFLAGS.LIST_SUBCLASS) !== 0) {
      this.#visitList(object, visit);
      if (builtin) return;
    } else if ((type.flags & TPFLAGS.TUPLE_SUBCLASS) !== 0) {
      this.#visitTuple(object, visit);
      if (builtin) return;
    } else if (type.name === 'set' || type.name === 'frozenset') this.#visitSet(object, visit);
    this.#visitAttributes(object, type, visit);
    this.#visitFields(object, type, visit);
  }

  #visitItems(address: number, count: number, visit: Visit): void {
    if (count > MOST_ITEMS) throw new Unreadable(`${count} items`);
    for (let index = 0; index < count; index++) {
      const child = this.#objects.memory.u64(address + index * WORD);
      if (isAddress(child)) visit(child, 'item', index);
    }
  }

  #visitList(list: number, visit: Visit): void {
    const { memory, offsets } = this.#objects;
    const items = memory.pointer(list + offsets.list_items);
    this.#visitItems(items, memory.u64(list + offsets.ob_size), visit);
  }

  #visitTuple(tuple: number, visit: Visit): void {
    const { memory, offsets } = this.#objects;
    this.#visitItems(tuple + offsets.tuple_items, memory.u64(tuple + offsets.ob_size), visit);
  }

  /** `setentry` {key, hash}; an entry that was removed points to a dummy, which holds nothing. */
  #visitSet(set: number, visit: Visit): void {
    const { memory, offsets } = this.#objects;
    const slots = memory.u64(set + offsets.set_mask) + 1;
    const table = memory.pointer(set + offsets.set_table);
    if (slots > MOST_ITEMS) throw new Unreadable(`a set of ${slots} entries`);
    for (let index = 0; index < slots; index++) {
      const child = memory.u64(table + index * 2 * WORD);
      if (isAddress(child)) visit(child, 'member', index);
    }
  }

  #visitDeque(deque: number, visit: Visit): void {
    const { memory, offsets } = this.#objects;
    const count = memory.u64(deque + offsets.ob_size);
    if (count > MOST_ITEMS) throw new Unreadable(`a deque of ${count}`);
    let block = memory.pointer(deque + DEQUE.leftblock);
    let slot = memory.u64(deque + DEQUE.leftindex);
    for (let index = 0; index < count; index++, slot++) {
      if (slot >= DEQUE.length) {
        block = memory.pointer(block + DEQUE.rightlink);
        slot = 0;
      }
      const child = memory.u64(block + DEQUE.data + slot * WORD);
      if (isAddress(child)) visit(child, 'item', index);
    }
  }

  #visitRing(queue: number, visit: Visit): void {
    const { memory } = this.#objects;
    const count = memory.u64(queue + RING.count);
    const capacity = memory.u64(queue + RING.capacity);
    if (count > capacity || capacity > MOST_ITEMS) throw new Unreadable(`a queue of ${count}`);
    const items = memory.pointer(queue + RING.items);
    const next = memory.u64(queue + RING.next);
    for (let index = 0; index < count; index++) {
      const child = memory.u64(items + ((next + index) % capacity) * WORD);
      if (isAddress(child)) visit(child, 'item', index);
    }
  }

  /**
   * Where the frame of a frame object, or of a suspended generator, is; 0 for one that has ended. Locals are not cleared then:
   * those of a generator count only while it has not ended.
   */
  frameOf(object: number, type: TypeFacts): number {
    const { memory, offsets } = this.#objects;
    if (type.name === 'frame') {
      return offsets.frame_f_frame < 0 ? object : memory.pointer(object + offsets.frame_f_frame);
    }
    if (offsets.gi_iframe < 0) return memory.pointer(object + offsets.gi_frame);
    const state = (memory.u8(object + offsets.gi_frame_state) << 24) >> 24;
    return state <= FRAME_EXECUTING ? object + offsets.gi_iframe : 0;
  }

  /** The name of a variable of a frame object. */
  localName(object: number, index: number): string | null {
    const type = this.#objects.typeOf(object);
    const frame = type === null ? null : this.#frames.read(this.frameOf(object, type));
    return frame === null ? null : (this.#frames.localNames(frame)[index] ?? null);
  }

  #visitLocals(at: number, visit: Visit): void {
    const frame = this.#frames.read(at);
    if (frame === null) return;
    for (const { object, index } of this.#frames.locals(frame)) visit(object, 'local', index);
  }

  /** Attributes from 3.11 on, which lie beside the object: in its class's order, or in a dict. */
  #visitAttributes(object: number, type: TypeFacts, visit: Visit): void {
    const { memory, offsets } = this.#objects;
    if ((type.flags & TPFLAGS.MANAGED_DICT) === 0 || this.#minor < 11) return;
    const values = this.#valuesOf(object, type);
    if (values !== 0) {
      const keys = memory.pointer(memory.u64(object + offsets.ob_type) + offsets.ht_cached_keys);
      const first = values + offsets.dict_values;
      visitValues(this.#objects, keys, first, (key, value) => visit(value, 'attribute', key));
    }
    const dict = memory.u64(object + MANAGED_DICT);
    if (dict !== 0 && isAddress(dict)) visit(dict, 'dict', MANAGED_DICT);
  }

  #valuesOf(object: number, type: TypeFacts): number {
    const { memory, offsets } = this.#objects;
    if (this.#minor === 11) return memory.pointer(object + VALUES_3_11);
    if (this.#minor === 12) {
      // PyDictOrValues: odd for values, which begin one byte further.
      const word = memory.u64(object + MANAGED_DICT);
      return word % 2 === 1 && isAddress(word + 1) ? word + 1 : 0;
    }
    const inline = object + offsets.object_size;
    const has = (type.flags & TPFLAGS.INLINE_VALUES) !== 0;
    return has && memory.u8(inline + VALUES_VALID) === 1 ? inline : 0;
  }

  /** Whatever else the object's structure points to. */
  #visitFields(object: number, type: TypeFacts, visit: Visit): void {
    const { memory, offsets } = this.#objects;
    const end = Math.min(type.basicSize, LARGEST_OBJECT);
    // A class keeps its own attributes in tp_dict.
    const own = (type.flags & TPFLAGS.TYPE_SUBCLASS) === 0 ? -1 : offsets.tp_dict;
    for (let at = offsets.object_size; at + WORD <= end; at += WORD) {
      const child = memory.u64(object + at);
      if (isAddress(child))
        visit(child, at === type.dictOffset || at === own ? 'dict' : 'field', at);
    }
  }
}
