import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseStacks, isSettled } from './choose-stacks.ts';
import { DEBUG_OFFSETS_SIZE, parseDebugOffsets } from './debug-offsets.ts';
import { parseMappings } from './mappings.ts';
import { sourceKind } from './source-kind.ts';
import type { StacksSample, ThreadStack } from './thread-stacks.ts';
import { versionOfHex, versionOfName, versionOfSymbols } from './version.ts';

describe('parseMappings()', () => {
  test('finds the mapped files, replaced ones too', () => {
    // Linux 6.18.
    const text = `55d0a1c00000-55d0a1c01000 r--p 00000000 fe:00 1234                       /usr/bin/python3.11
7f0a00000000-7f0a00021000 rw-p 00000000 00:00 0
7f0a10000000-7f0a10001000 r-xp 00002000 fe:00 99                         /opt/a b/libpython3.11.so.1.0 (deleted)
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]
`;
    expect(parseMappings(text)).toEqual([
      {
        start: 0x55d0a1c00000,
        end: 0x55d0a1c01000,
        offset: 0,
        inode: 1234,
        path: '/usr/bin/python3.11',
      },
      {
        start: 0x7f0a10000000,
        end: 0x7f0a10001000,
        offset: 0x2000,
        inode: 99,
        path: '/opt/a b/libpython3.11.so.1.0',
      },
    ]);
  });

  test('survives any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseMappings(text)).toEqual([]);
      }),
    );
  });
});

describe('versions', () => {
  test('are told by what a binary exports', () => {
    expect(versionOfSymbols(new Set())).toBeNull();
    expect(versionOfSymbols(new Set(['PyCode_NewWithPosOnlyArgs']))).toMatchObject({ minor: 8 });
    const since9 = new Set(['PyCode_NewWithPosOnlyArgs', 'PyFrame_GetBack']);
    expect(versionOfSymbols(since9)).toMatchObject({ minor: 9 });
    expect(versionOfSymbols(since9.add('Py_Is'))).toMatchObject({ minor: 10 });
  });

  test('are told by PY_VERSION_HEX and by names', () => {
    expect(versionOfHex(0x030b07f0)).toEqual({ major: 3, minor: 11 });
    expect(versionOfHex(0x7fffffff)).toBeNull();
    expect(versionOfName('/usr/lib/libpython3.7m.so.1.0')).toEqual({ major: 3, minor: 7 });
    expect(versionOfName('/usr/bin/python2.7')).toEqual({ major: 2, minor: 7 });
    expect(versionOfName('/srv/python3.11/bin/uwsgi')).toBeNull();
  });
});

describe('parseDebugOffsets()', () => {
  test('wants the cookie, and an order of fields that it knows', () => {
    const bytes = Buffer.alloc(DEBUG_OFFSETS_SIZE);
    expect(parseDebugOffsets(bytes)).toBeNull();
    bytes.write('xdebugpy', 'latin1');
    bytes.writeBigUInt64LE(0x030e00f0n, 8);
    expect(parseDebugOffsets(bytes)).toEqual({
      version: { major: 3, minor: 14 },
      freeThreaded: false,
      offsets: {},
    });
    bytes.writeBigUInt64LE(0x030d00f0n, 8);
    bytes.writeBigUInt64LE(1n, 16);
    bytes.writeBigUInt64LE(632n, 5 * 8);
    expect(parseDebugOffsets(bytes)).toMatchObject({
      freeThreaded: true,
      offsets: { interpreters_head: 632 },
    });
    bytes.writeBigUInt64LE(1n << 40n, 5 * 8);
    expect(parseDebugOffsets(bytes)).toBeNull();
  });
});

describe('sourceKind()', () => {
  test.each([
    ['/srv/app/server.py', 'user'],
    ['<string>', 'user'],
    ['<frozen importlib._bootstrap>', 'python'],
    ['/usr/lib/python3.11/socket.py', 'python'],
    ['/home/me/.pyenv/versions/3.13.0/lib/python3.13/asyncio/events.py', 'python'],
    ['/usr/lib/python3/dist-packages/requests/api.py', 'package'],
    ['/venv/lib/python3.12/site-packages/redis/client.py', 'package'],
  ])('%s is of %s', (file, kind) => {
    expect(sourceKind(file)).toBe(kind);
  });
});

describe('chooseStacks()', () => {
  const code = { file: 'a.py', function: 'f', firstLine: 1, size: 2, lines: Buffer.alloc(0) };
  const stack = (line: number, complete = true): ThreadStack => ({
    tid: 7,
    address: 4096,
    frames: [{ address: 8192, codeAddress: 12288, code: { ...code, form: 'locations' }, line }],
    complete,
  });
  const sample = (...stacks: ThreadStack[]): StacksSample => ({ stacks, complete: true });
  const lines = (samples: StacksSample[]) =>
    chooseStacks(samples).stacks.map(({ frames }) => frames[0].line);

  test('takes what most samples agree on, the latest where they differ', () => {
    expect(lines([sample(stack(1)), sample(stack(2)), sample(stack(1))])).toEqual([1]);
    expect(lines([sample(stack(1)), sample(stack(2)), sample(stack(3))])).toEqual([3]);
  });

  test('takes a complete stack before an incomplete one', () => {
    expect(lines([sample(stack(1)), sample(stack(2, false)), sample(stack(2, false))])).toEqual([
      1,
    ]);
    expect(lines([sample(stack(2, false))])).toEqual([2]);
  });

  test('needs no third sample where two are complete and agree', () => {
    expect(isSettled([sample(stack(1))])).toBe(false);
    expect(isSettled([sample(stack(1)), sample(stack(1))])).toBe(true);
    expect(isSettled([sample(stack(1)), sample(stack(2))])).toBe(false);
    expect(isSettled([sample(stack(1)), sample(stack(1, false))])).toBe(false);
    expect(isSettled([sample(stack(1)), sample()])).toBe(false);
  });

  test('leaves out a thread that has ended', () => {
    expect(lines([sample(stack(1)), sample()])).toEqual([]);
    expect(chooseStacks([])).toEqual({ stacks: [], complete: false });
  });
});
