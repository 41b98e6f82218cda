import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cacheFolder, readBtf, type BtfRoots } from './btf-cache.ts';

const WANTED = { offsets: ['file.f_inode'], functions: ['bpf_iter_task_file'] };
const FACTS = { offsets: { 'file.f_inode': 32 }, functions: { bpf_iter_task_file: 7 } };

let folder: string;
let roots: BtfRoots & { cache: string };

/** One struct `file` with `f_inode` at 32 bytes, and one function, whose id is 2. */
function smallBtf(): Buffer {
  const strings = '\0file\0f_inode\0bpf_iter_task_file\0';
  const types = [1, (4 << 24) | 1, 40, 6, 0, 256, 14, 12 << 24, 0];
  const header = [0x0001eb9f, 24, 0, types.length * 4, types.length * 4, strings.length];
  const words = Buffer.from(Uint32Array.from([...header, ...types]).buffer);
  return Buffer.concat([words, Buffer.from(strings)]);
}

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'lastack-btf-'));
  roots = { kernel: join(folder, 'kernel'), cache: join(folder, 'cache/lastack') };
  fs.mkdirSync(join(roots.kernel, 'btf'), { recursive: true });
  fs.writeFileSync(join(roots.kernel, 'notes'), 'build 1');
  fs.writeFileSync(join(roots.kernel, 'btf/vmlinux'), smallBtf());
});

afterEach(() => fs.rmSync(folder, { recursive: true }));

function file(): string {
  return join(roots.cache, 'btf-test.json');
}

function read(): unknown {
  const facts = readBtf('test', WANTED, roots);
  return facts.kind === 'ok' ? facts.value : facts.reason;
}

/** Puts other facts into the cache, so that it shows where an answer comes from. */
function plant(content: unknown, mode = 0o600): void {
  fs.mkdirSync(roots.cache, { recursive: true, mode: 0o700 });
  fs.rmSync(file(), { force: true });
  fs.writeFileSync(file(), JSON.stringify(content));
  fs.chmodSync(file(), mode);
}

const build = Buffer.from('build 1').toString('base64');
const PARSED = { offsets: { 'file.f_inode': 32 }, functions: { bpf_iter_task_file: 2 } };

describe('readBtf()', () => {
  test('keeps what it parsed in a file that only its user may read', () => {
    expect(read()).toEqual(PARSED);
    expect(fs.statSync(file()).mode & 0o777).toBe(0o600);
    expect(fs.statSync(roots.cache).mode & 0o777).toBe(0o700);
    expect(fs.readdirSync(roots.cache)).toEqual(['btf-test.json']);
    fs.rmSync(join(roots.kernel, 'btf/vmlinux'));
    expect(read()).toEqual(PARSED);
  });

  test('answers from the file for the same kernel build only', () => {
    plant({ build, ...FACTS });
    expect(read()).toEqual(FACTS);
    fs.writeFileSync(join(roots.kernel, 'notes'), 'build 2');
    expect(read()).toEqual(PARSED);
  });

  test.each([
    ['no JSON object', null],
    ['an offset missing', { build, offsets: {}, functions: FACTS.functions }],
    ['an offset that is text', { build, ...FACTS, offsets: { 'file.f_inode': '32' } }],
    ['an offset below 0', { build, ...FACTS, offsets: { 'file.f_inode': -8 } }],
    ['an offset too large', { build, ...FACTS, offsets: { 'file.f_inode': 40_000 } }],
    ['an offset with a fraction', { build, ...FACTS, offsets: { 'file.f_inode': 1.5 } }],
    ['offsets that are no object', { build, ...FACTS, offsets: 7 }],
  ])('reads and writes anew a file with %s', (_, content) => {
    plant(content);
    expect(read()).toEqual(PARSED);
    expect(JSON.parse(fs.readFileSync(file(), 'utf8'))).toEqual({ build, ...PARSED });
  });

  test('reads and writes anew a file that is cut', () => {
    plant('');
    fs.writeFileSync(file(), '{"build":');
    expect(read()).toEqual(PARSED);
    expect(JSON.parse(fs.readFileSync(file(), 'utf8'))).toMatchObject(PARSED);
  });

  test('ignores a file or folder that others may write to', () => {
    plant({ build, ...FACTS }, 0o666);
    expect(read()).toEqual(PARSED);
    plant({ build, ...FACTS });
    fs.chmodSync(roots.cache, 0o777);
    expect(read()).toEqual(PARSED);
  });

  test('follows no link in place of the file', () => {
    plant('');
    fs.renameSync(file(), join(folder, 'elsewhere'));
    fs.writeFileSync(join(folder, 'elsewhere'), JSON.stringify({ build, ...FACTS }));
    fs.symlinkSync(join(folder, 'elsewhere'), file());
    expect(read()).toEqual(PARSED);
  });

  test('ignores a file that another user owns', (ctx) => {
    if (process.geteuid?.() !== 0) ctx.skip('needs root to give a file away');
    plant({ build, ...FACTS });
    fs.chownSync(file(), 65_534, 65_534);
    expect(read()).toEqual(PARSED);
  });

  test('works without a cache, and makes none where others may write', () => {
    const open = join(folder, 'open');
    fs.mkdirSync(open);
    fs.chmodSync(open, 0o777);
    for (const cache of [null, join(open, 'lastack'), '/dev/null/lastack']) {
      expect(readBtf('test', WANTED, { ...roots, cache }).kind).toBe('ok');
    }
    expect(fs.readdirSync(open)).toEqual([]);
  });

  test('says that the kernel has no BTF, and what to do', () => {
    fs.rmSync(join(roots.kernel, 'btf/vmlinux'));
    expect(readBtf('test', WANTED, roots)).toEqual({
      kind: 'unavailable',
      reason: `cannot read ${roots.kernel}/btf/vmlinux: ENOENT`,
      remedy: 'use a kernel with CONFIG_DEBUG_INFO_BTF=y and mount sysfs',
    });
  });
});

test('cacheFolder() follows the XDG base directory specification', () => {
  expect(cacheFolder('', '/home/ada')).toBe('/home/ada/.cache/lastack');
  expect(cacheFolder('/var/cache/ada', '/home/ada')).toBe('/var/cache/ada/lastack');
  expect(cacheFolder('relative', '/home/ada')).toBeNull();
});
