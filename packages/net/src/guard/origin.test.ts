import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseStack } from './origin.ts';

it('parseStack() puts the lines of the program first, those of libraries next, Node last', () => {
  const stack = [
    'Error: two lines',
    '  of message at (nowhere:1:1)',
    '    at Socket.connect (node:net:1245:7)',
    '    at Client.connect (/app/node_modules/pg/lib/client.js:50:9)',
    '    at async Promise.all (index 1)',
    '    at async openPool (file:///app/src/pool.ts:12:5)',
    '    at /app/src/main.ts:3:1',
  ].join('\n');
  const { line, stack: sorted } = parseStack(stack);
  expect(line).toEqual({ file: '/app/src/pool.ts', line: 12, column: 5, function: 'openPool' });
  expect(sorted.split('\n').map((text) => text.trim())).toEqual([
    'at async openPool (file:///app/src/pool.ts:12:5)',
    'at /app/src/main.ts:3:1',
    'at Client.connect (/app/node_modules/pg/lib/client.js:50:9)',
    'at Socket.connect (node:net:1245:7)',
    'at async Promise.all (index 1)',
  ]);
});

it('parseStack() names the line of a library where none is the program’s, and none where all are Node’s', () => {
  const library = '    at connect (/app/node_modules/pg/lib/client.js:50:9)';
  expect(parseStack(library).line?.file).toBe('/app/node_modules/pg/lib/client.js');
  expect(parseStack('    at Socket.connect (node:net:1245:7)').line).toBeUndefined();
  expect(parseStack('')).toEqual({ stack: '' });
});

it('parseStack() takes any text', () => {
  const frame = fc.string().map((text) => `    at ${text}`);
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), frame)), (lines) => {
      expect(parseStack(lines.join('\n')).stack).toBeTypeOf('string');
    }),
  );
});
