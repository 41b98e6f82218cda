import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeapSnapshotError, HeapSnapshotParser, type HeapSnapshot } from './heap-snapshot.ts';

const MOST_BYTES = 1 << 20;

function json(strings: readonly string[]): string {
  const meta = {
    node_fields: ['type', 'name', 'id', 'self_size', 'edge_count', 'detachedness'],
    node_types: [['synthetic', 'object', 'closure', 'string'], 'string', 'number'],
    edge_fields: ['type', 'name_or_index', 'to_node'],
    edge_types: [['context', 'element', 'property', 'internal', 'weak'], 'string_or_number'],
    location_fields: ['object_index', 'script_id', 'line', 'column'],
  };
  return [
    `{"snapshot":{"meta":${JSON.stringify(meta)},"node_count":3,"edge_count":3,"trace_function_count":0},`,
    `"nodes":[0,0,1,0,2,0\n,1,1,3,24,1,0\n,3,2,4294967295,16,0,0\n],`,
    `"edges":[2,3,6\n,1,7,12\n,4,4,0\n],`,
    `"trace_function_infos":[],"trace_tree":[],"samples":[],`,
    `"locations":[6,42,17,5\n],`,
    `"strings":${JSON.stringify(strings)}}`,
  ].join('\n');
}

function parse(pieces: readonly string[]): HeapSnapshot {
  const parser = new HeapSnapshotParser(MOST_BYTES);
  for (const piece of pieces) parser.write(piece);
  return parser.end();
}

function cut(text: string, at: readonly number[]): readonly string[] {
  const ends = [...at.map((each) => each % text.length).toSorted((a, b) => a - b), text.length];
  return ends.map((end, i) => text.slice(i === 0 ? 0 : ends[i - 1], end));
}

function isReadOrRefused(pieces: readonly string[]): boolean {
  try {
    const { nodes, edges } = parse(pieces);
    return edges.to.every((to) => to < nodes.count);
  } catch (error) {
    return error instanceof HeapSnapshotError;
  }
}

const STRINGS = ['root', 'Pool', 'hunter2', '#idle"]\\', 'x'];

test('HeapSnapshotParser reads nodes, references, locations and names into columns', () => {
  const { nodes, edges, locations, strings } = parse([json(STRINGS)]);
  expect([...nodes.id]).toEqual([1, 3, 4_294_967_295]);
  expect([...nodes.size]).toEqual([0, 24, 16]);
  expect([...nodes.firstEdge]).toEqual([0, 2, 3, 3]);
  expect([...edges.name]).toEqual([3, 7, 4]);
  expect([...edges.to]).toEqual([1, 2, 0]);
  expect(locations).toEqual([1, 42, 17, 5]);
  // Only what names an object, a function, a variable or a property.
  expect(strings).toEqual(['', 'Pool', '', '#idle"]\\', '']);
});

test('HeapSnapshotParser reads the same wherever the pieces are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary', maxLength: 90 }), { minLength: 5, maxLength: 9 }),
      fc.array(fc.nat(), { maxLength: 60 }),
      (strings, at) => {
        const text = json(strings);
        expect(parse(cut(text, at))).toEqual(parse([text]));
        expect(parse(text.split(''))).toEqual(parse([text]));
      },
    ),
    { numRuns: 60 },
  );
});

test('HeapSnapshotParser refuses garbage with an error of its own, or reads it', () => {
  const text = json(STRINGS);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.nat(20), fc.string(), (at, length, garbage) => {
      const pieces = [text.slice(0, at) + garbage + text.slice(at + length)];
      expect(isReadOrRefused(pieces)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test('HeapSnapshotParser rejects a snapshot that is cut off', () => {
  const text = json(STRINGS);
  fc.assert(
    fc.property(fc.nat(text.length - 3), (length) => {
      expect(() => parse([text.slice(0, length)])).toThrow(HeapSnapshotError);
    }),
  );
});

test('HeapSnapshotParser keeps no name that is too long to be one', () => {
  const strings = parse([json(['', 'n'.repeat(100), '', 'n'.repeat(101), ''])]).strings;
  expect(strings.map(({ length }) => length)).toEqual([0, 100, 0, 0, 0]);
});

test('HeapSnapshotParser refuses a heap that needs more memory than is allowed, before it takes it', () => {
  const parser = new HeapSnapshotParser(100);
  expect(() => parser.write(json(STRINGS))).toThrow(
    'the heap has 3 objects and 3 references, which need 1 MB here; 0 MB are allowed',
  );
});
