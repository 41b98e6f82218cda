import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseSourceMap, readSourceMap } from './source-map.ts';

/** The first line comes from the sixth of the source. */
const map = (source: string, sourceRoot?: string): string =>
  JSON.stringify({ version: 3, sources: [source], names: [], mappings: 'AAKA', sourceRoot });

describe('readSourceMap()', () => {
  test('reads one that is inline, as base64 or as text', () => {
    const json = map('../src/server.ts');
    for (const url of [
      `data:application/json;charset=utf-8;base64,${Buffer.from(json).toString('base64')}`,
      `data:application/json,${encodeURIComponent(json)}`,
    ]) {
      const mapper = readSourceMap(url, '/app/dist/server.js', '');
      expect(mapper?.(0, 3)).toEqual({ file: '/app/src/server.ts', line: 6 });
    }
  });

  test('reads one beside the script, as the target sees the files', () => {
    const root = mkdtempSync(join(tmpdir(), 'lastack-map-'));
    onTestFinished(() => rmSync(root, { recursive: true }));
    writeFileSync(join(root, 'server.js.map'), map('server.ts'));
    const mapper = readSourceMap('server.js.map', '/server.js', root);
    expect(mapper?.(0, 0)).toEqual({ file: '/server.ts', line: 6 });
    expect(readSourceMap('missing.map', '/server.js', root)).toBeNull();
    expect(readSourceMap('https://example.org/server.js.map', '/server.js', root)).toBeNull();
  });
});

describe('parseSourceMap()', () => {
  test('keeps URLs, and follows the root of the sources', () => {
    expect(parseSourceMap(map('webpack:///a.ts'), '/x.js')?.(0, 0)?.file).toBe('webpack:///a.ts');
    expect(parseSourceMap(map('file:///b/a.ts'), '/x.js')?.(0, 0)?.file).toBe('/b/a.ts');
    expect(parseSourceMap(map('a.ts', '/base'), '/x.js')?.(0, 0)?.file).toBe('/base/a.ts');
  });

  test('survives garbage', () => {
    for (const text of ['', '{}', 'null', '[]', '{"version":3,"sources":3,"mappings":"@"}']) {
      expect(parseSourceMap(text, '/x.js')?.(0, 0) ?? null, text).toBeNull();
    }
  });
});
