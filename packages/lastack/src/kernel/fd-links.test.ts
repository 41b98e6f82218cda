import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unavailable } from '@lastack/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readFdLinks } from './fd-links.ts';
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
  function read(pids: ReadonlySet<number> | null = null) {
    const { owners, unreadable } = readFdLinks(libc.kind === 'ok' ? libc.value : null, {
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

  test('takes links to sockets and no others', () => {
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
    expect(read()).toEqual({
      rows: [
        [812, 3, 8123],
        [812, 5, 4294967295],
        [812, 1_048_575, 1],
      ],
      unreadable: [],
    });
  });

  test('reads more entries than fit into one call', () => {
    const links = Object.fromEntries(
      Array.from({ length: 12_000 }, (_, fd) => [fd, `socket:[${fd + 1}]`]),
    );
    addProcess(812, links);
    expect(read().rows).toEqual(Array.from({ length: 12_000 }, (_, fd) => [812, fd, fd + 1]));
  });

  test('leaves out a process that has ended', () => {
    addProcess(812, { 3: 'socket:[8123]' });
    fs.mkdirSync(join(proc, '813'));
    expect(read()).toEqual({ rows: [[812, 3, 8123]], unreadable: [] });
    expect(read(new Set([813, 814]))).toEqual({ rows: [], unreadable: [] });
  });

  test('reads only the processes asked for', () => {
    addProcess(812, { 3: 'socket:[8123]' });
    addProcess(813, { 4: 'socket:[8124]' });
    expect(read(new Set([813])).rows).toEqual([[813, 4, 8124]]);
  });

  test('says what kept it from reading', () => {
    fs.mkdirSync(join(proc, '812'));
    fs.writeFileSync(join(proc, '812/fd'), 'no folder');
    expect(read().unreadable).toEqual([
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
