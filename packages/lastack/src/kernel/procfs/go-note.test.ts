import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasGoNote } from './go-note.ts';

function startOf(path: string): Uint8Array {
  const bytes = Buffer.alloc(64 << 10);
  const fd = openSync(path, 'r');
  try {
    return bytes.subarray(0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

/** An ELF64 file with one PT_NOTE segment, behind its only program header. */
function elfWithNote(owner: string, type: number): Buffer {
  const file = Buffer.alloc(64 + 56 + 20);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(4, 64);
  file.writeBigUInt64LE(120n, 72);
  file.writeBigUInt64LE(20n, 96);
  file.writeUInt32LE(4, 120);
  file.writeUInt32LE(4, 124);
  file.writeUInt32LE(type, 128);
  file.write(owner, 132);
  return file;
}

test('hasGoNote() knows a Go program, the TypeScript compiler', (ctx) => {
  const require = createRequire(import.meta.url);
  const platform = `@typescript/typescript-${process.platform}-${process.arch}`;
  const from = createRequire(require.resolve('typescript/package.json'));
  const path = join(dirname(from.resolve(`${platform}/package.json`)), 'lib/tsc');
  const start = startOf(path);
  if (start[0] !== 0x7f) ctx.skip('the TypeScript compiler is no ELF file here');
  expect(hasGoNote(start)).toBe(true);
});

test('hasGoNote() does not take Node for Go', () => {
  expect(hasGoNote(startOf(process.execPath))).toBe(false);
});

test('hasGoNote() wants the owner and the type of the build id', () => {
  expect(hasGoNote(elfWithNote('Go\0\0', 4))).toBe(true);
  expect(hasGoNote(elfWithNote('Go\0\0', 3))).toBe(false);
  expect(hasGoNote(elfWithNote('GNU\0', 4))).toBe(false);
});

test('hasGoNote() survives any bytes', () => {
  const whole = elfWithNote('GNU\0', 3);
  const changed = fc
    .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 12 })
    .map((changes) => {
      const bytes = Buffer.from(whole);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
  const cut = fc.nat(whole.length).map((length) => whole.subarray(0, length));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), changed, cut), (bytes) => {
      expect(hasGoNote(bytes)).toBeTypeOf('boolean');
    }),
  );
  expect(hasGoNote(readFileSync('/proc/self/cmdline'))).toBe(false);
});
