import { seen, unavailable, type Observation } from '@lastack/core';

// Read first: Documentation/bpf/btf.rst. A BTF blob is a header, a run of types of varying length (each numbered by its place,
// from 1) and a section of NUL-terminated strings. vmlinux has 150,000 types in 5.5 MB, so only the strings are searched.

/** What to look up in BTF. */
export interface BtfWanted {
  /** Paths from a struct through embedded members, `sock.__sk_common.skc_family`; anonymous members are looked through. */
  readonly offsets: readonly string[];
  /** Names of kernel functions, and of the types of tracepoints: `btf_trace_inet_sock_set_state`. */
  readonly functions: readonly string[];
}

export interface BtfFacts {
  /** Bytes from the start of the path's struct, by path. */
  readonly offsets: Readonly<Record<string, number>>;
  /** BTF type ids by function name. */
  readonly functions: Readonly<Record<string, number>>;
}

/** struct btf_header { __u16 magic; __u8 version, flags; __u32 hdr_len, type_off, type_len, str_off, str_len; } */
const HEADER_BYTES = 24;
const MAGIC = 0xeb9f;

const KIND_STRUCT = 4;
const KIND_UNION = 5;
const KIND_TYPEDEF = 8;
const KIND_FUNC = 12;
/** BTF_KIND_TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG: another name of the type that they refer to. */
const MODIFIERS: ReadonlySet<number> = new Set([8, 9, 10, 11, 18]);
const MODIFIERS_AT_MOST = 32;

/** struct btf_type { __u32 name_off; __u32 info; union { __u32 size; __u32 type; }; }, in words. */
const TYPE_WORDS = 3;
/** struct btf_member { __u32 name_off; __u32 type; __u32 offset; }, in words. */
const MEMBER_WORDS = 3;
/** Words after a type, by kind (1 BTF_KIND_INT … 19 BTF_KIND_ENUM64): a fixed number, and a number for each of its vlen. */
const FIXED_WORDS = [0, 1, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0];
const WORDS_EACH = [0, 0, 0, 0, 3, 3, 2, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 3];

/** The types as words, the first word of each by its id, and the ids of the names asked for. */
interface Types {
  readonly words: Uint32Array;
  readonly at: Uint32Array;
  readonly structs: ReadonlyMap<string, readonly number[]>;
  readonly functions: ReadonlyMap<string, number>;
  readonly nameAt: ReadonlyMap<string, number>;
}

/**
 * Looks up member offsets and function ids in BTF (`/sys/kernel/btf/vmlinux`). The bytes are not trusted: whatever they are,
 * the answer is facts or the reason why there are none.
 */
export function parseBtf(bytes: Uint8Array, wanted: BtfWanted): Observation<BtfFacts> {
  const types = readTypes(bytes, wanted);
  if (typeof types === 'string') return malformed(types);
  const offsets: Record<string, number> = {};
  const functions: Record<string, number> = {};
  for (const path of wanted.offsets) {
    const offset = offsetOfPath(types, path);
    if (offset === null) return malformed(`it has no ${path}`);
    offsets[path] = offset;
  }
  for (const name of wanted.functions) {
    const id = types.functions.get(name);
    if (id === undefined) return malformed(`it has no function ${name}`);
    functions[name] = id;
  }
  return seen({ offsets, functions });
}

function malformed(what: string): Observation<never> {
  return unavailable(
    `the kernel's type information (BTF) is of no use: ${what}`,
    'use a Linux kernel from 5.11 on',
  );
}

/** Walks all types once; a string says why that is impossible. */
function readTypes(bytes: Uint8Array, wanted: BtfWanted): Types | string {
  if (bytes.length < HEADER_BYTES) return 'it is shorter than its header';
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (header.getUint16(0, true) !== MAGIC || bytes[2] !== 1)
    return 'it does not begin as BTF version 1';
  const headerBytes = header.getUint32(4, true);
  const typesFrom = headerBytes + header.getUint32(8, true);
  const typesTo = typesFrom + header.getUint32(12, true);
  const stringsFrom = headerBytes + header.getUint32(16, true);
  const stringsTo = stringsFrom + header.getUint32(20, true);
  if (typesTo > bytes.length || stringsTo > bytes.length) return 'it ends early';

  const paths = wanted.offsets.map((path) => path.split('.'));
  const strings = Buffer.from(
    bytes.buffer,
    bytes.byteOffset + stringsFrom,
    stringsTo - stringsFrom,
  );
  const nameAt = findNames(strings, new Set([...paths.flat(), ...wanted.functions]));
  const structNames = invert(
    nameAt,
    paths.map(([struct]) => struct),
  );
  const functionNames = invert(nameAt, wanted.functions);

  const words = new Uint32Array(Math.floor((typesTo - typesFrom) / 4));
  new Uint8Array(words.buffer).set(bytes.subarray(typesFrom, typesFrom + words.byteLength));
  const at = new Uint32Array(Math.floor(words.length / TYPE_WORDS) + 2);
  const structs = new Map<string, number[]>();
  const functions = new Map<string, number>();
  let id = 1;
  let here = 0;
  for (; here + TYPE_WORDS <= words.length; id++) {
    const kind = kindOf(words, here);
    if (kind === 0 || kind >= FIXED_WORDS.length) return `it has a type of unknown kind ${kind}`;
    at[id] = here;
    if (kind === KIND_STRUCT) {
      const name = structNames.get(words[here]);
      if (name !== undefined) structs.set(name, [...(structs.get(name) ?? []), id]);
    } else if (kind === KIND_FUNC || kind === KIND_TYPEDEF) {
      const name = functionNames.get(words[here]);
      if (name !== undefined && !functions.has(name)) functions.set(name, id);
    }
    here += TYPE_WORDS + FIXED_WORDS[kind] + WORDS_EACH[kind] * lengthOf(words, here);
  }
  if (here !== words.length) return 'its last type ends early';
  return { words, at: at.subarray(0, id), structs, functions, nameAt };
}

/** Where each name begins in the strings; 0, the empty string, is never a result. */
function findNames(strings: Buffer, names: ReadonlySet<string>): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const name of names) {
    const before = strings.indexOf(`\0${name}\0`, 0, 'latin1');
    if (before !== -1) found.set(name, before + 1);
  }
  return found;
}

function invert(
  nameAt: ReadonlyMap<string, number>,
  names: readonly string[],
): ReadonlyMap<number, string> {
  return new Map(
    names.flatMap((name) => {
      const at = nameAt.get(name);
      return at === undefined ? [] : [[at, name] as const];
    }),
  );
}

function kindOf(words: Uint32Array, at: number): number {
  return (words[at + 1] >>> 24) & 0x1f;
}

/** vlen: the number of members of a struct. */
function lengthOf(words: Uint32Array, at: number): number {
  return words[at + 1] & 0xffff;
}

/** Several structs may share the name; the first that has the whole path is taken. */
function offsetOfPath(types: Types, path: string): number | null {
  const [struct, ...members] = path.split('.');
  for (const root of types.structs.get(struct) ?? []) {
    let id = root;
    let bits = 0;
    const found = members.every((name) => {
      const member = findMember(types, id, types.nameAt.get(name), new Set());
      if (member === null) return false;
      bits += member.bits;
      id = member.type;
      return true;
    });
    if (found && bits % 8 === 0) return bits / 8;
  }
  return null;
}

interface Member {
  readonly type: number;
  /** From the start of the struct that was searched. */
  readonly bits: number;
}

/** @param searched ids that were looked into: in broken BTF a struct can contain itself */
function findMember(
  types: Types,
  id: number,
  name: number | undefined,
  searched: Set<number>,
): Member | null {
  const { words } = types;
  const at = structAt(types, id);
  if (at === null || name === undefined || searched.has(at)) return null;
  searched.add(at);
  const hasSizes = words[at + 1] >>> 31 === 1;
  const end = at + TYPE_WORDS + lengthOf(words, at) * MEMBER_WORDS;
  for (let member = at + TYPE_WORDS; member < end; member += MEMBER_WORDS) {
    const type = words[member + 1];
    const bits = hasSizes ? words[member + 2] & 0xffffff : words[member + 2];
    const isBitField = hasSizes && words[member + 2] >>> 24 !== 0;
    if (words[member] === name) return isBitField ? null : { type, bits };
    if (words[member] !== 0) continue;
    const inner = findMember(types, type, name, searched);
    if (inner !== null) return { type: inner.type, bits: bits + inner.bits };
  }
  return null;
}

/** The first word of the struct or union that a type id names, through typedefs and qualifiers. */
function structAt({ words, at }: Types, id: number): number | null {
  for (let step = 0; step < MODIFIERS_AT_MOST && id > 0 && id < at.length; step++) {
    const here = at[id];
    const kind = kindOf(words, here);
    if (kind === KIND_STRUCT || kind === KIND_UNION) return here;
    if (!MODIFIERS.has(kind)) return null;
    id = words[here + 2];
  }
  return null;
}
