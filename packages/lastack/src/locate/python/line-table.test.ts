import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lineAt, lineTableForm } from './line-table.ts';
import { INTERPRETERS, VERSIONS } from './testing/interpreters.ts';

/** Prints every code object of some modules: table, first line, and start, end and line of each range of instructions. */
const DUMP = `
import dis, json, sys, argparse, socket, asyncio.base_events, typing

def ranges(code):
    if hasattr(code, 'co_lines'):
        return list(code.co_lines())
    starts = list(dis.findlinestarts(code)) + [(len(code.co_code), 0)]
    return [(a, b, line) for (a, line), (b, _) in zip(starts, starts[1:])]

def walk(code):
    yield code
    for constant in code.co_consts:
        if hasattr(constant, 'co_code'):
            yield from walk(constant)

found = []
for module in argparse, socket, asyncio.base_events, typing:
    with open(module.__file__, encoding='utf8') as file:
        module_code = compile(file.read(), module.__file__, 'exec')
    for code in walk(module_code):
        table = code.co_linetable if hasattr(code, 'co_linetable') else code.co_lnotab
        found.append([table.hex(), code.co_firstlineno, ranges(code)])
json.dump(found, sys.stdout)
`;

type Dumped = [string, number, [number, number, number | null][]][];

describe.each(INTERPRETERS.filter(({ version }) => VERSIONS.includes(version)))(
  'CPython $title',
  ({ path, version }) => {
    test('lineAt() agrees with co_lines() on every instruction of four modules', () => {
      const text = execFileSync(path, ['-c', DUMP], { encoding: 'utf8', maxBuffer: 1 << 28 });
      const form = lineTableForm(Number(version.split('.')[1]));
      const wrong = (JSON.parse(text) as Dumped).flatMap(([hex, first, ranges]) => {
        const table = Buffer.from(hex, 'hex');
        return ranges.flatMap(([start, end, line]) =>
          [start, end - 2].flatMap((offset) => {
            // Line 0 is that of RESUME in a module, which never takes time.
            const expected = line === 0 ? null : line;
            const found = start < end ? lineAt(form, table, first, offset) : expected;
            return found === expected ? [] : { first, offset, expected, found };
          }),
        );
      });
      expect(wrong).toEqual([]);
    });
  },
);

describe('lineAt()', () => {
  test('takes a frame that has not begun for its first line', () => {
    expect(lineAt('locations', new Uint8Array(), 7, -2)).toBe(7);
    expect(lineAt('lnotab', new Uint8Array(), 7, -1)).toBe(7);
  });

  test('knows no line behind the end of a table', () => {
    // One code unit on the line after the first, without columns: kind 13, length 1, step +1.
    const table = Uint8Array.of(0x80 | (13 << 3), 2);
    expect(lineAt('locations', table, 7, 0)).toBe(8);
    expect(lineAt('locations', table, 7, 2)).toBeNull();
    expect(lineAt('linetable', Uint8Array.of(4, 1), 7, 4)).toBeNull();
  });

  test('gives a line or none for any bytes', () => {
    const form = fc.constantFrom('lnotab', 'linetable', 'locations');
    const table = fc.uint8Array({ maxLength: 2000 });
    fc.assert(
      fc.property(form, table, fc.integer(), fc.integer(), (form, bytes, first, offset) => {
        const line = lineAt(form, bytes, first, offset);
        expect(line === null || (Number.isInteger(line) && line >= 1)).toBe(true);
      }),
    );
  });
});
