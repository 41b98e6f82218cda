import type { PythonObjects } from './objects.ts';
import { isAddress, Unreadable } from './process-memory.ts';

/** Called with the addresses of a key and its value. */
export type VisitEntry = (key: number, value: number) => void;

const MOST_ENTRIES = 4 << 20;
/** `DICT_KEYS_GENERAL`: entries with a hash; the other kinds have str keys only, and none. */
const GENERAL = 0;
const GENERAL_ENTRY = 24;
const UNICODE_ENTRY = 16;

/** Where the entries of a `PyDictKeysObject` are. */
interface Entries {
  readonly at: number;
  readonly count: number;
  readonly size: number;
  /** Of the key in an entry; the value follows it. */
  readonly key: number;
}

/** Visits the entries of a dict in the order of their insertion. */
export function visitDict(objects: PythonObjects, dict: number, visit: VisitEntry): void {
  const { memory, offsets } = objects;
  const entries = entriesOf(objects, memory.pointer(dict + offsets.ma_keys));
  const values = memory.pointer(dict + offsets.ma_values);
  if (values === 0) visitEntries(objects, entries, visit);
  else visitSplit(objects, entries, values + Math.max(0, offsets.dict_values), visit);
}

/**
 * Visits values that share their keys with all objects of a class (PEP 412).
 * @param keys the class's `ht_cached_keys`
 * @param values address of the first one
 */
export function visitValues(
  objects: PythonObjects,
  keys: number,
  values: number,
  visit: VisitEntry,
): void {
  visitSplit(objects, entriesOf(objects, keys), values, visit);
}

function visitEntries({ memory }: PythonObjects, entries: Entries, visit: VisitEntry): void {
  for (let index = 0; index < entries.count; index++) {
    const at = entries.at + index * entries.size + entries.key;
    const key = memory.u64(at);
    const value = memory.u64(at + 8);
    if (isAddress(key) && isAddress(value)) visit(key, value);
  }
}

function visitSplit(
  { memory }: PythonObjects,
  entries: Entries,
  values: number,
  visit: VisitEntry,
): void {
  for (let index = 0; index < entries.count; index++) {
    const key = memory.u64(entries.at + index * entries.size + entries.key);
    const value = memory.u64(values + index * 8);
    if (isAddress(key) && isAddress(value)) visit(key, value);
  }
}

function entriesOf({ memory, offsets }: PythonObjects, keys: number): Entries {
  const count = memory.u64(keys + offsets.dk_nentries);
  const general = offsets.dk_kind < 0 || memory.u8(keys + offsets.dk_kind) === GENERAL;
  const indices =
    offsets.dk_log2_index_bytes >= 0
      ? 2 ** memory.u8(keys + offsets.dk_log2_index_bytes)
      : indexBytes(memory.u64(keys + offsets.dk_size));
  if (count > MOST_ENTRIES || indices > MOST_ENTRIES * 8) throw new Unreadable(`no dict: ${keys}`);
  return {
    at: keys + offsets.dk_indices + indices,
    count,
    size: general ? GENERAL_ENTRY : UNICODE_ENTRY,
    key: general ? 8 : 0,
  };
}

/** Until 3.10: as many indices as the table is large, of one byte, two or four. */
function indexBytes(size: number): number {
  if (size <= 0xff) return size;
  return size <= 0xffff ? size * 2 : size * 4;
}
