import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseElf, readElfSymbols, type ReadAt } from './elf.ts';

const HEADER = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);

function file(bytes: Uint8Array): ReadAt {
  const all = Buffer.from(bytes);
  return (offset, length) => all.subarray(offset, offset + length);
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
  test('survives damaged files', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (tail) => {
        // A header that points nowhere is a RangeError for the reader to catch, never a hang.
        expect(outcome(new Uint8Array([...HEADER, ...tail]))).toMatch(/^(parsed|RangeError)$/);
      }),
    );
  });
});
