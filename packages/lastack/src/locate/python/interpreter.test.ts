import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test, type TestContext } from 'vitest';
import { DEBUG_OFFSETS_SIZE } from './debug-offsets.ts';
import { locatePythonWith } from './locate-python.ts';
import { readSymbols } from './read-symbols.ts';
import { interpreterOf } from './testing/interpreters.ts';

const PID = 812;
const START = 0x10000000;

interface Claims {
  /** What `Py_Version` holds. */
  readonly version: number;
  /** What `_PyRuntime` begins with. */
  readonly debug?: { readonly version: number; readonly freeThreaded: boolean };
}

/** What lastack says of a process with the library of CPython 3.13, whose memory claims something else. */
async function locate(ctx: TestContext, { version, debug }: Claims): Promise<string> {
  const { path } = interpreterOf('3.13', ctx);
  const library = join(dirname(dirname(path)), 'lib', `lib${basename(path)}.so.1.0`);
  const file = existsSync(library) ? library : path;
  const { ino } = statSync(file);
  const read = readSymbols(file, ino);
  const symbols = read.kind === 'read' ? read.symbols : null;
  const root = mkdtempSync(join(tmpdir(), 'lastack-proc-'));
  const folder = join(root, `${PID}`);
  mkdirSync(folder);
  symlinkSync(file, join(folder, 'exe'));
  symlinkSync('/', join(folder, 'root'));
  const zeros = '0 '.repeat(30);
  writeFileSync(join(folder, 'stat'), `${PID} (python) S ${zeros}`);
  writeFileSync(
    join(folder, 'maps'),
    `${START.toString(16)}-20000000 r--p 00000000 fe:00 ${ino} ${file}\n`,
  );
  const memory = openSync(join(folder, 'mem'), 'w');
  const words = Buffer.alloc(DEBUG_OFFSETS_SIZE);
  words.writeUInt32LE(version);
  const bias = START - (symbols?.base ?? 0);
  writeSync(memory, words, 0, 4, bias + (symbols?.addresses.get('Py_Version') ?? 0));
  words.fill(0).write(debug === undefined ? '' : 'xdebugpy', 'latin1');
  words.writeBigUInt64LE(BigInt(debug?.version ?? 0), 8);
  words.writeBigUInt64LE(BigInt(debug?.freeThreaded ?? false), 16);
  const runtime = bias + (symbols?.addresses.get('_PyRuntime') ?? 0);
  writeSync(memory, words, 0, words.length, runtime);
  // The last page is whole, as in memory.
  writeSync(memory, Buffer.alloc(1 << 20), 0, 1 << 20, runtime + words.length);
  closeSync(memory);
  try {
    const located = await locatePythonWith({ pid: PID, fds: [] }, { root });
    return located.kind === 'ok' ? 'located' : `${located.reason}: ${located.remedy}`;
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe('findInterpreter() refuses', () => {
  test('a version that was not verified', async (ctx) => {
    const version = 0x030e00f0;
    expect(await locate(ctx, { version, debug: { version, freeThreaded: false } })).toBe(
      'unsupported: CPython 3.14 was not verified: run py-spy dump --pid 812',
    );
  });

  test('a free-threaded build', async (ctx) => {
    const version = 0x030d00f0;
    expect(await locate(ctx, { version, debug: { version, freeThreaded: true } })).toBe(
      'unsupported: free-threaded CPython 3.13: run py-spy dump --pid 812',
    );
  });

  test('a version that contradicts itself', async (ctx) => {
    expect(await locate(ctx, { version: 0x030d00f0 })).toMatch(/^unsupported: CPython 3\.13 was/);
    const debug = { version: 0x030e00f0, freeThreaded: false };
    expect(await locate(ctx, { version: 0x030d00f0, debug })).toMatch(
      /^unsupported: CPython 3\.13/,
    );
    expect(await locate(ctx, { version: 0x020700f0 })).toMatch(/^unsupported: CPython/);
  });
});
