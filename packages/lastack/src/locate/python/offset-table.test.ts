import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseDebugOffsets } from './debug-offsets.ts';
import { findInterpreter } from './interpreter.ts';
import { OFFSET_TABLE } from './offset-table.ts';
import { ProcessMemory } from './process-memory.ts';
import { interpreterOf } from './testing/interpreters.ts';
import { runPython } from './testing/python-program.ts';

const SCRIPT = fileURLToPath(new URL('../../../../../scripts/python-offsets.mjs', import.meta.url));
const BUDGET = { bytes: 1 << 20, ms: 60_000, now: () => performance.now() };

describe('OFFSET_TABLE', () => {
  test('agrees with the headers of every CPython that is installed', (ctx) => {
    let report: string;
    try {
      execFileSync('cc', ['--version'], { stdio: 'ignore' });
    } catch {
      ctx.skip('no C compiler: install cc');
    }
    try {
      report = execFileSync(process.execPath, [SCRIPT, '--check'], { encoding: 'utf8' });
    } catch (error) {
      report = String((error as { stdout?: unknown }).stdout ?? error);
    }
    expect(report).toMatch(/^(\S+: ok\n)*$/);
  });

  test('agrees with what CPython 3.13 says itself', async (ctx) => {
    const { path } = interpreterOf('3.13', ctx);
    await using program = await runPython(path, "print('ready', flush=True)\ninput()\n");
    using memory = new ProcessMemory(`/proc/${program.pid}/mem`, BUDGET);
    const found = findInterpreter('/proc', program.pid, memory);
    if (found.kind !== 'ok') throw new Error(found.reason);
    const fd = openSync(`/proc/${program.pid}/mem`, 'r');
    const bytes = Buffer.alloc(1024);
    readSync(fd, bytes, 0, bytes.length, found.value.runtime);
    closeSync(fd);
    const debug = parseDebugOffsets(bytes);
    expect(OFFSET_TABLE['3.13']).toMatchObject(debug?.offsets ?? { missing: true });
    expect(debug?.freeThreaded).toBe(false);
  });
});
