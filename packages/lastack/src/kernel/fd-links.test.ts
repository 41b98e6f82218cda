import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { unavailable } from '@lastack/core';
import { build } from 'rolldown';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { queuePids, type FdLinkScan } from './fd-link-scan.ts';
import { readFdLinks } from './fd-links.ts';
import type { FdLinksJob } from './fd-links-worker.ts';
import { loadLibc } from './ffi.ts';

let proc: string;

beforeEach(() => {
  proc = fs.mkdtempSync(join(tmpdir(), 'lastack-proc-'));
});

afterEach(() => fs.rmSync(proc, { recursive: true }));

function addProcess(pid: number, links: Readonly<Record<string, string>>): void {
  fs.mkdirSync(join(proc, `${pid}/fd`), { recursive: true });
  for (const [fd, link] of Object.entries(links)) fs.symlinkSync(link, join(proc, `${pid}/fd`, fd));
}

const loaded = loadLibc();

describe.each([
  ['the FFI', loaded],
  ['node:fs', unavailable('a test', 'none')],
] as const)('readFdLinks() through %s', (_, libc) => {
  async function read(pids: ReadonlySet<number> | null = null) {
    const { owners, unreadable } = await readFdLinks(libc.kind === 'ok' ? libc.value : null, {
      proc,
      pids,
    });
    const rows = Array.from({ length: owners.count }, (_, row) => [
      owners.pid[row],
      owners.fd[row],
      owners.inode[row],
    ]);
    return { rows: rows.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]), unreadable };
  }

  test('takes links to sockets and no others', async () => {
    addProcess(812, {
      0: '/dev/null',
      3: 'socket:[8123]',
      4: 'pipe:[77]',
      5: 'socket:[4294967295]',
      6: 'anon_inode:[eventpoll]',
      7: '/tmp/socket:[9]',
      8: 'socket:',
      1_048_575: 'socket:[1]',
      10: `/${'x'.repeat(500)}`,
    });
    fs.mkdirSync(join(proc, 'sys'));
    fs.writeFileSync(join(proc, 'version'), '');
    expect(await read()).toEqual({
      rows: [
        [812, 3, 8123],
        [812, 5, 4294967295],
        [812, 1_048_575, 1],
      ],
      unreadable: [],
    });
  });

  test('reads more entries than fit into one call', async () => {
    const links = Object.fromEntries(
      Array.from({ length: 12_000 }, (_, fd) => [fd, `socket:[${fd + 1}]`]),
    );
    addProcess(812, links);
    expect((await read()).rows).toEqual(
      Array.from({ length: 12_000 }, (_, fd) => [812, fd, fd + 1]),
    );
  });

  test('leaves out a process that has ended', async () => {
    addProcess(812, { 3: 'socket:[8123]' });
    fs.mkdirSync(join(proc, '813'));
    expect(await read()).toEqual({ rows: [[812, 3, 8123]], unreadable: [] });
    expect(await read(new Set([813, 814]))).toEqual({ rows: [], unreadable: [] });
  });

  test('reads only the processes asked for', async () => {
    addProcess(812, { 3: 'socket:[8123]' });
    addProcess(813, { 4: 'socket:[8124]' });
    expect((await read(new Set([813]))).rows).toEqual([[813, 4, 8124]]);
  });

  test('says what kept it from reading', async () => {
    fs.mkdirSync(join(proc, '812'));
    fs.writeFileSync(join(proc, '812/fd'), 'no folder');
    expect((await read()).unreadable).toEqual([
      {
        count: 1,
        reason: `ENOTDIR reading ${proc}/PID/fd of 1 process`,
        remedy: 'check that /proc is mounted as procfs',
      },
    ]);
  });
});

test('readFdLinks() is tested with the FFI', (ctx) => {
  if (loaded.kind === 'unavailable') ctx.skip(loaded.reason);
  expect(loaded.kind).toBe('ok');
});

describe('readFdLinks() with a second thread', () => {
  const libc = loaded.kind === 'ok' ? loaded.value : null;
  let folder: string;

  beforeAll(async () => {
    folder = fs.mkdtempSync(join(tmpdir(), 'lastack-worker-'));
    fs.symlinkSync(
      join(import.meta.dirname, '../../../../node_modules'),
      join(folder, 'node_modules'),
    );
    await build({
      input: join(import.meta.dirname, 'fd-links-worker.ts'),
      platform: 'node',
      external: ['koffi', /^@koromix\//],
      resolve: { conditionNames: ['@lastack/source', 'node', 'import', 'default'] },
      transform: { target: 'es2022' },
      output: { file: join(folder, 'fd-links-worker.cjs'), format: 'cjs', codeSplitting: false },
    });
    fs.writeFileSync(join(folder, 'broken.cjs'), 'throw new Error("broken")');
  });

  afterAll(() => fs.rmSync(folder, { recursive: true }));

  /** As a host with many open files: only then a second thread is worth it. */
  function addManyProcesses(): Map<number, number[]> {
    fs.mkdirSync(join(proc, 'sys/fs'), { recursive: true });
    fs.writeFileSync(join(proc, 'sys/fs/file-nr'), '200000\t0\t9223372036854775807\n');
    const pids = Array.from({ length: 40 }, (_, i) => 1000 + i);
    for (const pid of pids) {
      addProcess(pid, { 3: `socket:[${pid * 2}]`, 4: `socket:[${pid * 2 + 1}]` });
    }
    return new Map(pids.map((pid) => [pid, [pid * 2, pid * 2 + 1]]));
  }

  function inodesByPid({ owners }: Pick<FdLinkScan, 'owners'>): Map<number, number[]> {
    const found = new Map<number, number[]>();
    for (let row = 0; row < owners.count; row++) {
      const inodes = [...(found.get(owners.pid[row]) ?? []), owners.inode[row]];
      found.set(
        owners.pid[row],
        inodes.toSorted((a, b) => a - b),
      );
    }
    return new Map([...found].toSorted(([a], [b]) => a - b));
  }

  test.each([
    ['takes each process once', 'fd-links-worker.cjs'],
    ['reads all itself when the thread fails', 'broken.cjs'],
    ['reads all itself when the thread cannot start', 'missing.cjs'],
  ])('%s', async (_, file) => {
    const expected = addManyProcesses();
    const worker = join(folder, file);
    const pending = readFdLinks(libc, { proc, pids: null, worker });
    expect(inodesByPid(await pending)).toEqual(expected);
  });

  test('reads in the thread what it takes', async () => {
    const expected = addManyProcesses();
    const queue = queuePids([...expected.keys()]);
    const job: FdLinksJob = { proc, queue, withFfi: libc !== null };
    const thread = new Worker(join(folder, 'fd-links-worker.cjs'), { workerData: job });
    const [scan] = await once(thread, 'message');
    expect(inodesByPid(scan as FdLinkScan)).toEqual(expected);
    await thread.terminate();
  });

  test('adds up the processes that neither could read', async () => {
    addManyProcesses();
    for (const pid of [2000, 2001, 2002]) {
      fs.mkdirSync(join(proc, `${pid}`));
      fs.writeFileSync(join(proc, `${pid}/fd`), 'no folder');
    }
    const worker = join(folder, 'fd-links-worker.cjs');
    const { unreadable } = await readFdLinks(libc, { proc, pids: null, worker });
    expect(unreadable.map(({ count }) => count)).toEqual([3]);
  });
});
