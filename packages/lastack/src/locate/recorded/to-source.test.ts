import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Frame } from './slot.ts';
import { sourceReader } from './to-source.ts';

/** The script's first line comes from the sixth of source 0, its second from the eleventh of source 1. */
const MAP = {
  version: 3,
  sources: ['../src/a.ts', '../node_modules/p/p.ts'],
  names: [],
  mappings: 'AAKA;ACKA',
};

test('a line of a script is translated by the map that the script names', () => {
  const root = folderWith('a.js', 'one\ntwo\n//# sourceMappingURL=a.js.map\n');
  const toSource = sourceReader(root);
  const own = frame('/dist/a.js', 1);
  expect(toSource({ kind: 'connect', own, frames: [own] })).toEqual({
    kind: 'connect',
    own: { file: '/src/a.ts', line: 6, function: 'f' },
    frames: [{ file: '/src/a.ts', line: 6, function: 'f' }],
  });
});

test("of a bundle, the first line that is not a package's is the program's own", () => {
  const toSource = sourceReader(folderWith('a.js', 'one\ntwo\n//# sourceMappingURL=a.js.map\n'));
  const frames = [frame('/dist/a.js', 2), frame('/dist/a.js', 1)];
  expect(toSource({ kind: 'connect', own: frames[0], frames }).own).toMatchObject({
    file: '/src/a.ts',
    line: 6,
  });
});

test('without a map, a file or a column the line stays as it is', () => {
  const toSource = sourceReader(folderWith('a.js', 'one\n'));
  const { column: _, ...mapped } = frame('/dist/a.js', 1);
  for (const file of ['/dist/a.js', '/dist/none.js', 'relative.js', 'node:net', '/proc/self/mem']) {
    const own = frame(file, 1);
    expect(toSource({ kind: 'connect', own, frames: [] }).own).toEqual({ ...mapped, file });
  }
  const toSourceWithMap = sourceReader(folderWith('a.js', '//# sourceMappingURL=a.js.map\n'));
  expect(toSourceWithMap({ kind: 'connect', own: mapped, frames: [] }).own).toEqual(mapped);
});

test('what is no file is not read', () => {
  const root = folderWith('a.js', '//# sourceMappingURL=pipe\n');
  execFileSync('mkfifo', [join(root, 'dist/pipe'), join(root, 'dist/b.js')]);
  for (const file of ['/dist/a.js', '/dist/b.js']) {
    const own = frame(file, 1);
    expect(sourceReader(root)({ kind: 'connect', own, frames: [] }).own.file).toBe(file);
  }
});

function frame(file: string, line: number): Frame {
  return { file, line, function: 'f', column: 1 };
}

function folderWith(script: string, text: string): string {
  const root = mkdtempSync(join(tmpdir(), 'lastack-to-source-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'dist'));
  writeFileSync(join(root, 'dist', script), text);
  writeFileSync(join(root, 'dist', `${script}.map`), JSON.stringify(MAP));
  return root;
}
