import { readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, test, type TestContext } from 'vitest';
import { asNobody } from '../../test/as-nobody.ts';
import { loadLibc, type Libc } from './ffi.ts';
import { TASK_FILES_BTF, assembleTaskFiles } from './task-files-program.ts';
import { startTaskFiles, type TaskFiles } from './task-files.ts';

function libcOrSkip(ctx: TestContext): Libc {
  const libc = loadLibc();
  return libc.kind === 'ok' ? libc.value : ctx.skip(libc.reason);
}

function startOrSkip(ctx: TestContext): TaskFiles {
  const files = startTaskFiles(libcOrSkip(ctx));
  return files.kind === 'ok' ? files.value : ctx.skip(`needs root or CAP_BPF: ${files.reason}`);
}

describe('startTaskFiles()', () => {
  test('opens one descriptor, which is closed when nobody reads', (ctx) => {
    const before = bpfDescriptors();
    const files = startOrSkip(ctx);
    expect(bpfDescriptors()).toHaveLength(before.length + 1);
    files[Symbol.dispose]();
    files[Symbol.dispose]();
    expect(bpfDescriptors()).toEqual(before);
  });

  test('says what an ordinary user needs', async (ctx) => {
    if (process.geteuid?.() !== 0) ctx.skip('needs root to become another user');
    startOrSkip(ctx)[Symbol.dispose]();
    expect(await asNobody(() => startTaskFiles(libcOrSkip(ctx)))).toEqual({
      kind: 'unavailable',
      reason: 'BPF is not permitted',
      remedy: 'run as root or with CAP_BPF and CAP_PERFMON',
    });
  });
});

test('assembleTaskFiles() refuses offsets that cannot be', () => {
  const offsets = Object.fromEntries(TASK_FILES_BTF.offsets.map((path) => [path, 40_000]));
  expect(() => assembleTaskFiles({ offsets, functions: {} })).toThrow(RangeError);
});

function bpfDescriptors(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('bpf');
    } catch {
      return false;
    }
  });
}
