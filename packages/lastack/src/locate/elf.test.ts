import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseElf, readElfSymbols, type ReadAt } from './elf.ts';

const [SHT_SYMTAB, SHT_STRTAB, SHT_DYNSYM] = [2, 3, 11];
const HEADER = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);

/** @param shift where the bytes begin in memory */
function file(bytes: Uint8Array, shift = 0): ReadAt {
  const all = Buffer.alloc(bytes.length + shift);
  all.set(bytes, shift);
  return (offset, length) => all.subarray(shift).subarray(offset, offset + length);
}

interface SymbolSpec {
  readonly name: string;
  readonly address: number;
  readonly defined: boolean;
}

/** A file with a table of exported symbols, and one of all with a symbol `inner` at 2^40 + 8. */
function elfOf(exported: readonly SymbolSpec[]): Buffer {
  const inner = { name: 'inner', address: 2 ** 40 + 8, defined: true };
  const tables = [exported, [...exported, inner]].flatMap((symbols, index) => {
    const strings = Buffer.from(symbols.map(({ name }) => `\0${name}`).join('') + '\0');
    const entries = symbols.map(({ name, address, defined }) => {
      const entry = Buffer.alloc(24);
      entry.writeUInt32LE(strings.indexOf(`\0${name}\0`) + 1, 0);
      entry.writeUInt16LE(defined ? 1 : 0, 6);
      entry.writeBigUInt64LE(BigInt(address), 8);
      return entry;
    });
    return [
      { type: index === 0 ? SHT_DYNSYM : SHT_SYMTAB, bytes: Buffer.concat(entries) },
      { type: SHT_STRTAB, bytes: strings },
    ];
  });
  const header = Buffer.alloc(64);
  HEADER.copy(header);
  header.writeBigUInt64LE(64n, 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(tables.length, 60);
  let end = 64 + 64 * tables.length;
  const sections = tables.map(({ type, bytes }, index) => {
    const section = Buffer.alloc(64);
    section.writeUInt32LE(type, 4);
    section.writeBigUInt64LE(BigInt(end), 24);
    section.writeBigUInt64LE(BigInt(bytes.length), 32);
    section.writeUInt32LE(index + 1, 40);
    end += bytes.length;
    return section;
  });
  return Buffer.concat([header, ...sections, ...tables.map(({ bytes }) => bytes)]);
}

function addressesIn(read: ReadAt, names: readonly string[], enough?: readonly string[]) {
  return Object.fromEntries(parseElf(read, names, enough)?.addresses ?? []);
}

function outcome(bytes: Uint8Array): string {
  try {
    parseElf(file(bytes), ['main']);
    return 'parsed';
  } catch (error) {
    return error instanceof Error ? error.name : 'thrown';
  }
}

describe('readElfSymbols()', () => {
  test("finds Node's own symbols, and leaves out what is not there", () => {
    const symbols = readElfSymbols('/proc/self/exe', ['node_module_register', 'no_such_symbol']);
    if (symbols.kind !== 'ok') throw new Error(symbols.reason);
    expect([...symbols.value.addresses.keys()]).toEqual(['node_module_register']);
    expect(symbols.value.addresses.get('node_module_register')).toBeGreaterThan(symbols.value.base);
  });

  test('says that a file is of another kind, or cannot be read', () => {
    const path = fileURLToPath(import.meta.url);
    expect(readElfSymbols(path, ['main'])).toMatchObject({
      reason: `${path} is not a 64-bit ELF file`,
    });
    expect(readElfSymbols('/nowhere', ['main']).kind).toBe('unavailable');
  });
});

describe('parseElf()', () => {
  test('takes exported symbols first, and leaves out what is defined elsewhere', () => {
    const elf = elfOf([
      { name: 'exported', address: 0x1234, defined: true },
      { name: 'imported', address: 0, defined: false },
    ]);
    const addresses = { exported: 0x1234, inner: 2 ** 40 + 8 };
    const names = ['exported', 'imported', 'inner'];
    // Also where the bytes do not begin at a word.
    for (const read of [file(elf), file(elf, 1)]) {
      expect(addressesIn(read, names)).toEqual(addresses);
    }
  });

  test('reads no further table when it has enough', () => {
    const elf = elfOf([{ name: 'exported', address: 0x1234, defined: true }]);
    const found = addressesIn(file(elf), ['exported', 'inner'], ['exported']);
    expect(found).toEqual({ exported: 0x1234 });
  });

  test('survives damaged files', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (tail) => {
        // A header that points nowhere is a RangeError for the reader to catch, never a hang.
        expect(outcome(new Uint8Array([...HEADER, ...tail]))).toMatch(/^(parsed|RangeError)$/);
      }),
    );
  });
});
