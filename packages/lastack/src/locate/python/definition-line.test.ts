import fc from 'fast-check';
import { expect, test } from 'vitest';
import { definitionLine } from './definition-line.ts';

test.each([
  ['x = 1\npool = []\npool = {}\n', 2],
  ['pool: list = []\n', 1],
  ['pool.idle = 1\npool == 2\nother_pool = 3\npool = 4\n', 4],
  ['a, pool = f()\n', 1],
  ['pool, a = f()\n', 1],
  ['class pool:\n    pool = 1\n', 1],
  ['with connect() as pool:\n', 1],
  ['"""\npool = 1\n"""\npool = 2\n', 4],
  ["text = '''\npool = 1\n'''\npool = 2\n", 4],
  ['if True:\n    pool = 1\n', 2],
  ['def f():\n    global pool\n    pool = 1\n', 3],
  ['def f():\n    pool = 1\n\nif True:\n    pool = 2\n', 5],
  ['def f():\n    pool = 1\n', null],
  ['print(pool)\n', null],
  ['', null],
])('definitionLine() of %j is %j', (source, line) => {
  expect(definitionLine(source, 'pool')).toBe(line);
});

test('definitionLine() reads any text in linear time', () => {
  const part = fc.constantFrom('pool', ' = ', ', ', '\n', '"""', "'''", '    ', 'global', ':', 'a');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 400 }), (parts) => {
      const line = definitionLine(parts.join(''), 'pool');
      expect(line === null || line >= 1).toBe(true);
    }),
  );
  const started = performance.now();
  definitionLine(`${'a, '.repeat(200_000)}pool\n`.repeat(3), 'pool');
  expect(performance.now() - started).toBeLessThan(1000);
});
