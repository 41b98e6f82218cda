import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { until } from './condition.ts';
import { PROGRAM_ENV } from './installed.ts';
import { runLastack } from './lastack.ts';
import { openNamespace, openPair, pidsIn, THERE, type NamespaceOptions } from './netns.ts';
import { orSkip } from './or-skip.ts';
import { startProgram } from './program.ts';
import { readSockets } from './sockets.ts';
import { openCrowd, openZoo, ZOO_STATES } from './zoo.ts';

/** Debian's `nobody`; a test run by an ordinary user has that user instead. */
const ORDINARY: NamespaceOptions = process.getuid?.() === 0 ? { uid: 65_534 } : {};

/** ss's spelling of the states. */
const SS_STATES: Readonly<Record<string, string>> = {
  ESTAB: 'ESTABLISHED',
  'SYN-RECV': 'SYN-RECEIVED',
};

describe('until()', () => {
  test('returns what it was waiting for', async () => {
    let looks = 0;
    expect(await until(() => ++looks === 3 && 'seen', 'the third look')).toBe('seen');
  });

  test('says what it waited for in vain', async () => {
    await expect(until(() => false, 'a miracle', { withinMs: 5 })).rejects.toThrow(
      'waited 0.005 s for a miracle',
    );
  });
});

describe.concurrent('a namespace', () => {
  test('is private, and has loopback', async (ctx) => {
    await using ns = await orSkip(ctx, openNamespace());
    expect(ns.link).not.toBe(readlinkSync('/proc/self/ns/net'));
    expect(await ns.do('cat', ['/sys/class/net/lo/carrier'])).toBe('1\n');
    expect(readSockets(ns)).toEqual([]);
  });

  test('gives status and output of a command', async (ctx) => {
    await using ns = await orSkip(ctx, openNamespace());
    const output = await ns.run('sh', ['-c', 'echo out; echo err >&2; exit 3']);
    expect(output).toEqual({ status: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  test('can be opened by an ordinary user, who is root inside only', async (ctx) => {
    await using ns = await orSkip(ctx, openNamespace(ORDINARY));
    await ns.set('net.ipv4.tcp_max_tw_buckets', 7);
    expect(await ns.do('cat', ['/proc/sys/net/ipv4/tcp_max_tw_buckets'])).toBe('7\n');
    expect((await ns.do('id', ['-u'])).trim()).toBe('0');
    expect((await ns.run('sh', ['-c', 'echo 1 > /proc/sys/fs/file-max'])).status).not.toBe(0);
  });

  test('ends whatever runs in it, grandchildren included', async (ctx) => {
    const ns = await orSkip(ctx, openNamespace());
    await ns.do('sh', ['-c', 'setsid sleep 3600 >/dev/null 2>&1 &']);
    const [orphan] = await until(
      () => (ns.pids().length > 0 ? ns.pids() : null),
      'the orphan to run',
    );
    await ns[Symbol.asyncDispose]();
    expect(existsSync(`/proc/${orphan}/exe`)).toBe(false);
    expect(pidsIn(ns.link)).toEqual([]);
  });

  test('ends when the test process is killed', async (ctx) => {
    await using guard = await orSkip(ctx, openNamespace());
    const owner = spawn(
      process.execPath,
      [fileURLToPath(new URL('victim.mjs', import.meta.url)), readlinkSync('/proc/self/ns/net')],
      { env: PROGRAM_ENV, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [link] = (await once(createInterface(owner.stdout), 'line')) as [string];
    expect(link).not.toBe(guard.link);
    await until(() => pidsIn(link).length >= 2, 'the holder and its program');
    owner.kill('SIGKILL');
    await until(() => pidsIn(link).length === 0, 'the end of the namespace');
    expect(pidsIn(guard.link)).toEqual([guard.pid]);
  });

  test('runs lastack, also as an ordinary user', async (ctx) => {
    await using ns = await orSkip(ctx, openNamespace());
    for (const uid of process.getuid?.() === 0 ? [undefined, 65_534] : [undefined]) {
      const { status, stdout } = await runLastack(['--help'], {
        namespace: ns,
        ...(uid !== undefined && { uid }),
      });
      expect(status).toBe(0);
      expect(stdout).toContain('Usage: lastack');
    }
  });
});

describe.concurrent('a pair of namespaces', () => {
  for (const [who, options] of [
    ['root', {}],
    ['an ordinary user', ORDINARY],
  ] as const) {
    test(`of ${who} is joined, and its traffic can be cut`, async (ctx) => {
      await using pair = await orSkip(ctx, openPair(options));
      const { here, there } = pair;
      await startProgram(there, 'healthy-echo.py', [7000]);
      for (const address of [THERE.ipv4, THERE.ipv6]) {
        await startProgram(here, 'leave.py', [address, 7000, 1, 6]);
      }
      await there.obstruct('tcp dport 7000 reject with tcp reset');
      await expect(startProgram(here, 'leave.py', [THERE.ipv4, 7000, 1, 6])).rejects.toThrow(
        'ConnectionRefusedError',
      );
    });
  }
});

describe.concurrent('the zoo', () => {
  test('has every state over every kind of address, as ss sees it', async (ctx) => {
    await using ns = await orSkip(ctx, openNamespace());
    await orSkip(ctx, openZoo(ns));
    const rows = (await ns.do('ss', ['-tanH'])).trim().split('\n');
    for (const state of ZOO_STATES) {
      const locals = rows
        .map((row) => row.trim().split(/\s+/))
        .filter(([name]) => (SS_STATES[name] ?? name) === state)
        .map(([, , , local]) => local);
      for (const address of ['127.0.0.1:', '[::1]:', '[::ffff:127.0.0.', '[fe80::1]%lo:']) {
        expect(
          locals.some((local) => local.startsWith(address)),
          `${state} ${address}`,
        ).toBe(true);
      }
    }
  });

  test('has sockets with and without a descriptor', async (ctx) => {
    await using ns = await orSkip(ctx, openNamespace(ORDINARY));
    await orSkip(ctx, openZoo(ns));
    for (const state of ['ESTABLISHED', 'CLOSE-WAIT', 'FIN-WAIT-1', 'FIN-WAIT-2'] as const) {
      const inodes = readSockets(ns)
        .filter((socket) => socket.state === state)
        .map(({ inode }) => inode !== 0);
      expect(new Set(inodes), state).toEqual(new Set([true, false]));
    }
  });

  test('can be a crowd', async (ctx) => {
    await using ns = await orSkip(ctx, openNamespace());
    await openCrowd(ns, 40_000);
    const summary = await ns.do('ss', ['-tanH']);
    expect(summary.trim().split('\n').length).toBeGreaterThan(39_000);
  });
});
