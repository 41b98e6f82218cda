import { closeSync, openSync, readSync } from 'node:fs';
import { seen, unavailable, type Observation } from '@lastack/core';

// Read first: elf(5), `Elf64_Ehdr`, `Elf64_Phdr`, `Elf64_Shdr`, `Elf64_Sym`.

/** What an executable or library defines, as far as it was asked for. */
export interface ElfSymbols {
  /** Addresses as the file has them, by name; a name that it does not define is missing. */
  readonly addresses: ReadonlyMap<string, number>;
  /** The address of the first loaded page; 0 < it for a fixed executable. */
  readonly base: number;
  /** ET_DYN: loaded anywhere, so that `base` stands for the start of its first mapping. */
  readonly movable: boolean;
}

const MAGIC = 0x7f_45_4c_46;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ET_DYN = 3;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const SHT_DYNSYM = 11;
/** `Elf64_Sym`, `Elf64_Shdr` in words of 32 bits. */
const SYMBOL_WORDS = 6;
const SECTION_WORDS = 16;
const PAGE = 4096;
/** Node's tables take 10 MB; a file that claims more than this is damaged, or not worth it. */
const LARGEST_TABLE = 256 << 20;

/**
 * Looks names up in the symbol tables of a 64-bit little-endian ELF file; 0.5 ms for Python's, 30 ms for Node's.
 * @param path `/proc/812/exe` also finds a file that was replaced or lies in a container
 */
export function readElfSymbols(path: string, names: readonly string[]): Observation<ElfSymbols> {
  let fd = -1;
  try {
    fd = openSync(path, 'r');
    const symbols = parseElf((offset, length) => readAt(fd, offset, length), names);
    if (symbols !== null) return seen(symbols);
    return unavailable(`${path} is not a 64-bit ELF file`, 'look at another process');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return unavailable(`cannot read the symbols of ${path}: ${reason}`, 'run as root');
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/** Bytes of the file; fewer at its end. */
export type ReadAt = (offset: number, length: number) => Buffer;

/**
 * Finds symbols in an ELF file.
 * @param enough names with which no further table is read: the one of exported symbols is small and comes first
 * @returns null for a file of another kind
 * @throws RangeError when a header points outside of the file
 */
export function parseElf(
  read: ReadAt,
  names: readonly string[],
  enough: readonly string[] = names,
): ElfSymbols | null {
  const header = read(0, 64);
  if (header.length < 64 || header.readUInt32BE(0) !== MAGIC) return null;
  if (header[4] !== ELFCLASS64 || header[5] !== ELFDATA2LSB) return null;
  const addresses = new Map<string, number>();
  const sections = sectionsOf(header, read);
  for (const { type, offset, size, link } of sections) {
    if (type !== SHT_SYMTAB && type !== SHT_DYNSYM) continue;
    const strings = sections[link];
    if (strings === undefined || size > LARGEST_TABLE || strings.size > LARGEST_TABLE) continue;
    if (enough.every((name) => addresses.has(name))) break;
    const wanted = names.filter((name) => !addresses.has(name));
    const nameOffsets = offsetsOf(wanted, read(strings.offset, strings.size));
    if (nameOffsets.size > 0) collect(wordsOf(read(offset, size)), nameOffsets, addresses);
  }
  const movable = header.readUInt16LE(16) === ET_DYN;
  return { addresses, base: baseOf(header, read), movable };
}

interface Section {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
}

function sectionsOf(header: Buffer, read: ReadAt): readonly Section[] {
  const [size, count] = [header.readUInt16LE(58), header.readUInt16LE(60)];
  if (size !== SECTION_WORDS * 4) return [];
  const table = wordsOf(read(Number(header.readBigUInt64LE(40)), size * count));
  return Array.from({ length: Math.floor(table.length / SECTION_WORDS) }, (_, index) => {
    const at = index * SECTION_WORDS;
    return {
      type: table[at + 1],
      offset: u64(table, at + 6),
      size: u64(table, at + 8),
      link: table[at + 10],
    };
  });
}

function baseOf(header: Buffer, read: ReadAt): number {
  const [size, count] = [header.readUInt16LE(54), header.readUInt16LE(56)];
  if (size < 56) return 0;
  const table = read(Number(header.readBigUInt64LE(32)), size * count);
  const starts: number[] = [];
  for (let at = 0; at + size <= table.length; at += size) {
    if (table.readUInt32LE(at) === PT_LOAD) starts.push(Number(table.readBigUInt64LE(at + 16)));
  }
  const first = starts.length === 0 ? 0 : Math.min(...starts);
  return first - (first % PAGE);
}

/** Names by their offsets in a string table; linkers let one name be the end of another, so there may be several. */
function offsetsOf(names: readonly string[], strings: Buffer): ReadonlyMap<number, string> {
  const offsets = new Map<number, string>();
  for (const name of names) {
    const pattern = Buffer.from(`${name}\0`);
    for (let at = strings.indexOf(pattern); at >= 0; at = strings.indexOf(pattern, at + 1)) {
      offsets.set(at, name);
    }
  }
  return offsets;
}

function collect(
  table: Uint32Array,
  names: ReadonlyMap<number, string>,
  addresses: Map<string, number>,
): void {
  for (let at = 0; at + SYMBOL_WORDS <= table.length; at += SYMBOL_WORDS) {
    const name = names.get(table[at]);
    // st_shndx 0: used here, defined elsewhere.
    if (name === undefined || table[at + 1] >>> 16 === 0) continue;
    addresses.set(name, u64(table, at + 2));
  }
}

/** Read in words of 32 bits, a table takes a tenth of the time; lastack runs on little-endian machines only. */
function wordsOf(bytes: Buffer): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, Math.floor(bytes.length / 4));
}

function u64(words: Uint32Array, at: number): number {
  return words[at] + words[at + 1] * 2 ** 32;
}

function readAt(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.alloc(Math.min(length, LARGEST_TABLE));
  let got = 0;
  while (got < bytes.length) {
    const part = readSync(fd, bytes, got, bytes.length - got, offset + got);
    if (part === 0) break;
    got += part;
  }
  return bytes.subarray(0, got);
}
