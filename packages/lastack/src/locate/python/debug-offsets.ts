import type { Offsets } from './offsets.ts';
import { versionOfHex, type Version } from './version.ts';

/**
 * The start of `_PyRuntime` from 3.13 on, where CPython says itself where it keeps things (pycore_runtime.h, `struct
 * _Py_DebugOffsets`): a cookie, the version, whether it is free-threaded, then one u64 a field.
 */
export interface DebugOffsets {
  readonly version: Version;
  readonly freeThreaded: boolean;
  /** Empty for a version other than 3.13, whose order of fields is not known. */
  readonly offsets: Partial<Offsets>;
}

const COOKIE = 'xdebugpy';

/** Index of the u64 of each field in CPython 3.13. */
const FIELDS_3_13 = {
  interpreters_head: 5,
  interp_next: 8,
  threads_head: 9,
  interp_modules: 11,
  ts_next: 21,
  ts_interp: 22,
  ts_frame: 23,
  ts_thread_id: 24,
  ts_native_thread_id: 25,
  f_previous: 29,
  f_code: 30,
  f_instr: 31,
  f_localsplus: 32,
  f_owner: 33,
  co_filename: 35,
  co_name: 36,
  co_qualname: 37,
  co_linetable: 38,
  co_firstlineno: 39,
  co_localsplusnames: 41,
  co_code_adaptive: 43,
  ob_type: 45,
  tp_name: 47,
  tp_flags: 49,
  tuple_items: 51,
  list_items: 54,
  ma_keys: 57,
  ma_values: 58,
  str_state: 68,
  str_length: 69,
  ascii_size: 70,
} as const satisfies Partial<Record<keyof Offsets, number>>;

export const DEBUG_OFFSETS_SIZE = 8 * 73;

/** No structure of CPython is larger. */
const LARGEST = 1 << 20;

/** @returns null where there are none: until 3.12 */
export function parseDebugOffsets(bytes: Buffer): DebugOffsets | null {
  if (bytes.length < DEBUG_OFFSETS_SIZE || bytes.toString('latin1', 0, 8) !== COOKIE) return null;
  const word = (index: number) => Number(bytes.readBigUInt64LE(index * 8));
  const version = versionOfHex(word(1));
  if (version === null) return null;
  const known = version.major === 3 && version.minor === 13;
  const fields = known ? Object.entries(FIELDS_3_13) : [];
  const offsets = Object.fromEntries(fields.map(([name, index]) => [name, word(index)]));
  if (Object.values(offsets).some((offset) => offset > LARGEST)) return null;
  return { version, freeThreaded: word(2) !== 0, offsets };
}
