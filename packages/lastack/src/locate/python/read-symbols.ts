import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parseElf, type ElfSymbols, type ReadAt } from '../elf.ts';

export type SymbolFile =
  /** `symbols` is null for what is no ELF file of x86-64. */
  | { readonly kind: 'read'; readonly symbols: ElfSymbols | null }
  /** Another file has taken the name of the one that was mapped. */
  | { readonly kind: 'replaced' };

/**
 * `_PyRuntime` is where everything begins; `Py_Version` is the version from 3.11 on, and the others are functions that came
 * with 3.8, 3.9 and 3.10: a binary without `Py_Version` is as old as what it lacks.
 */
const NAMES = [
  '_PyRuntime',
  'Py_Version',
  'PyCode_NewWithPosOnlyArgs',
  'PyFrame_GetBack',
  'Py_Is',
  'Py_GetVersion',
];

/** A binary that exports this exports the others that it has. */
const ENOUGH = ['_PyRuntime'];

const EM_X86_64 = 62;
const LONGEST_SECTION = 64 << 20;
/** Files whose symbols are remembered. */
const MOST_CACHED = 32;

const cache = new Map<string, ElfSymbols | null>();

/**
 * Reads a file's symbols, once for each version of the file: some 5 ms, then nothing.
 * @param inode of the file that was mapped
 * @throws what open(2) and read(2) throw
 */
export function readSymbols(path: string, inode: number): SymbolFile {
  const fd = openSync(path, 'r');
  try {
    const stat = fstatSync(fd);
    if (stat.ino !== inode || !stat.isFile()) return { kind: 'replaced' };
    const key = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
    let symbols = cache.get(key);
    if (symbols === undefined) {
      symbols = parseSymbols((offset, length) => readAt(fd, offset, length));
      if (cache.size >= MOST_CACHED) cache.clear();
      cache.set(key, symbols);
    }
    return { kind: 'read', symbols };
  } finally {
    closeSync(fd);
  }
}

/** @returns null for what is no ELF file of x86-64, or a damaged one */
export function parseSymbols(read: ReadAt): ElfSymbols | null {
  const header = read(0, 20);
  if (header.length < 20 || header.readUInt16LE(18) !== EM_X86_64) return null;
  try {
    return parseElf(read, NAMES, ENOUGH);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Less than asked where the file ends; nothing where the file asks for the absurd. */
function readAt(fd: number, offset: number, length: number): Buffer {
  if (length > LONGEST_SECTION || !Number.isSafeInteger(offset)) return Buffer.alloc(0);
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
}
