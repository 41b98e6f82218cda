import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  afterEach,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  type TestContext,
} from 'vitest';
import { asNobody } from '../../test/as-nobody.ts';
import { loadLibc, type Libc } from './ffi.ts';
import { listNetns, type NetnsList } from './netns-list.ts';
import { inNetns } from './netns.ts';

/** Starts a process in a network namespace of its own, which ends with the test. */
async function startElsewhere(ctx: TestContext): Promise<number> {
  if (process.geteuid?.() !== 0) ctx.skip('needs root to make a network namespace');
  const wait = 'process.stdin.on("end", () => process.exit()).resume(); console.log("ready")';
  const child = spawn('unshare', ['-n', process.execPath, '-e', wait], { cwd: '/' });
  onTestFinished(async () => {
    const ended = once(child, 'close');
    child.stdin.end();
    await ended;
  });
  const failed = await Promise.race([
    once(child.stdout, 'data').then(() => null),
    once(child, 'error').then(([error]) => String(error)),
    once(child, 'exit').then(([status]) => `status ${status}`),
  ]);
  if (failed !== null) ctx.skip(`unshare -n failed: ${failed}`);
  return child.pid ?? 0;
}

function libcOrSkip(ctx: TestContext): Libc {
  const libc = loadLibc();
  if (libc.kind === 'unavailable') return ctx.skip(libc.reason);
  return libc.value;
}

function list(named: string): NetnsList {
  const list = listNetns({ proc: '/proc', named });
  if (list.kind === 'unavailable') throw new Error(list.reason);
  return list.value;
}

function ownInode(): number {
  return fs.statSync('/proc/self/ns/net').ino;
}

let named: string;

beforeEach(() => {
  named = fs.mkdtempSync(join(tmpdir(), 'lastack-netns-'));
});

afterEach(() => fs.rmSync(named, { recursive: true }));

describe('listNetns()', () => {
  test('begins with our own namespace', () => {
    const [own] = list(named).namespaces;
    expect(own).toEqual({
      inode: ownInode(),
      path: '/proc/self/ns/net',
      pid: process.pid,
      name: null,
      isOwn: true,
    });
  });

  test('finds the namespace of a process, and its name', async (ctx) => {
    const pid = await startElsewhere(ctx);
    const path = `/proc/${pid}/ns/net`;
    const { ino: inode } = fs.statSync(path);
    expect(list(named).namespaces).toContainEqual({ inode, path, pid, name: null, isOwn: false });
    fs.symlinkSync(path, join(named, 'blue'));
    fs.writeFileSync(join(named, 'unmounted'), '');
    expect(list(named).namespaces).toContainEqual({ inode, path, pid, name: 'blue', isOwn: false });
  });

  test('finds a namespace that only a name keeps', async (ctx) => {
    const pid = await startElsewhere(ctx);
    const path = join(named, 'blue');
    fs.symlinkSync(`/proc/${pid}/ns/net`, path);
    // A procfs that shows no process but us.
    const proc = join(named, 'proc');
    fs.mkdirSync(proc);
    fs.symlinkSync('/proc/self', join(proc, 'self'));
    const list = listNetns({ proc, named });
    const { ino: inode } = fs.statSync(path);
    expect(list.kind === 'ok' && list.value.namespaces.slice(1)).toEqual([
      { inode, path, pid: null, name: 'blue', isOwn: false },
    ]);
  });

  test('is unavailable without procfs', () => {
    expect(listNetns({ proc: '/nowhere', named })).toEqual({
      kind: 'unavailable',
      reason: 'cannot read /nowhere/self/ns/net: ENOENT',
      remedy: 'mount procfs at /nowhere',
    });
  });

  test('counts the processes of which it may not know', async (ctx) => {
    if (process.geteuid?.() !== 0) ctx.skip('needs root to become another user');
    const { unreadable } = await asNobody(() => list(named));
    const [denied] = unreadable;
    expect(denied.count).toBeGreaterThan(0);
    expect(denied.remedy).toBe('run as root');
  });
});

describe('inNetns()', () => {
  test('runs the action there and comes back', async (ctx) => {
    const libc = libcOrSkip(ctx);
    const pid = await startElsewhere(ctx);
    const path = `/proc/${pid}/ns/net`;
    const look = (): number => fs.statSync('/proc/thread-self/ns/net').ino;
    const before = look();
    expect(inNetns(libc, path, look)).toEqual({ kind: 'ok', value: fs.statSync(path).ino });
    expect(look()).toBe(before);
  });

  test('comes back when the action throws, and when it is not synchronous', async (ctx) => {
    const libc = libcOrSkip(ctx);
    const pid = await startElsewhere(ctx);
    const path = `/proc/${pid}/ns/net`;
    expect(() =>
      inNetns(libc, path, () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(() => inNetns(libc, path, () => Promise.resolve())).toThrow(TypeError);
    expect(fs.statSync('/proc/thread-self/ns/net').ino).toBe(ownInode());
  });

  test('leaves all threads of the process at home, and no descriptor open', async (ctx) => {
    const libc = libcOrSkip(ctx);
    const pid = await startElsewhere(ctx);
    const before = fs.readdirSync('/proc/self/fd').length;
    inNetns(libc, `/proc/${pid}/ns/net`, () => null);
    await fs.promises.readFile('/proc/self/comm');
    const inodes = fs
      .readdirSync('/proc/self/task')
      .map((thread) => fs.statSync(`/proc/self/task/${thread}/ns/net`).ino);
    expect(new Set(inodes)).toEqual(new Set([ownInode()]));
    expect(fs.readdirSync('/proc/self/fd')).toHaveLength(before);
  });

  test('says that a namespace is gone, or no namespace', (ctx) => {
    const libc = libcOrSkip(ctx);
    const action = (): never => expect.unreachable();
    expect(inNetns(libc, '/proc/2147483647/ns/net', action)).toEqual({
      kind: 'unavailable',
      reason: 'the network namespace /proc/2147483647/ns/net is gone',
      remedy: 'run lastack again',
    });
    expect(inNetns(libc, '/dev/null', action)).toMatchObject({
      kind: 'unavailable',
      reason: 'cannot enter the network namespace /dev/null: EINVAL',
    });
  });

  test('says what an ordinary user needs to enter', async (ctx) => {
    const libc = libcOrSkip(ctx);
    if (process.geteuid?.() !== 0) ctx.skip('needs root to become another user');
    const enter = () => inNetns(libc, '/proc/self/ns/net', () => expect.unreachable());
    expect(await asNobody(enter)).toMatchObject({
      kind: 'unavailable',
      reason: 'cannot enter the network namespace /proc/self/ns/net: permission denied',
    });
  });
});
