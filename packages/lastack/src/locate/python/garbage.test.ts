import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findHolders } from './find-holders.ts';
import { readHeap } from './heap.ts';
import { OFFSET_TABLE } from './offset-table.ts';
import type { Offsets } from './offsets.ts';
import { ProcessMemory } from './process-memory.ts';
import { viewPython } from './python-view.ts';
import { readStacks } from './thread-stacks.ts';

const PAGES = 16;
const SIZE = PAGES * 4096;

/** A word that often points into the memory, often is small, and sometimes is anything. */
const word = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 512, max: SIZE / 8 - 1 }).map((n) => BigInt(n * 8)) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 300 }).map(BigInt) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }) },
);

/** Few different words, so that they form rings. */
const memory = fc
  .array(word, { minLength: 1, maxLength: 64 })
  .chain((words) =>
    fc.tuple(
      fc.constant(words),
      fc.array(fc.nat(words.length - 1), { minLength: 97, maxLength: 97 }),
    ),
  );

function fill(words: readonly bigint[], order: readonly number[]): Buffer {
  const bytes = Buffer.alloc(SIZE);
  for (let at = 0; at < SIZE; at += 8) {
    bytes.writeBigUInt64LE(words[order[(at / 8) % order.length]], at);
  }
  return bytes;
}

describe.each(Object.entries(OFFSET_TABLE))('CPython %s', (name, offsets: Offsets) => {
  test('garbage for memory gives an end, and no exception', () => {
    const folder = mkdtempSync(join(tmpdir(), 'lastack-garbage-'));
    const path = join(folder, 'mem');
    const version = { major: 3, minor: Number(name.split('.')[1]) };
    try {
      fc.assert(
        fc.property(memory, ([words, order]) => {
          writeFileSync(path, fill(words, order));
          const budget = { bytes: 1 << 20, ms: 2000, now: () => performance.now() };
          using read = new ProcessMemory(path, budget);
          const view = viewPython(read, { version, offsets, runtime: 8192 });
          const sample = readStacks(view, new Set([7]));
          expect(sample.stacks.length).toBeLessThanOrEqual(2000);
          const heap = readHeap(view.objects, view.references, view.interpreter);
          const holders = findHolders(view, heap, sample.stacks, new Set([3, 4]));
          expect(holders.size).toBeLessThanOrEqual(2);
        }),
        { numRuns: 60 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
