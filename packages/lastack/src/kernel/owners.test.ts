import { existsSync, readdirSync } from 'node:fs';
import { indexOwners, unavailable, type OwnerTable } from '@lastack/core';
import { describe, expect, test, type TestContext } from 'vitest';
import { asNobody } from '../../test/as-nobody.ts';
import { startSocketHolder, type SocketHolder } from '../../test/socket-holder.ts';
import { loadLibc } from './ffi.ts';
import { readOwners, type ReadOwnersOptions } from './owners.ts';

const NOBODY = 65_534;
const ESTABLISHED = 1;
const LISTEN = 10;

async function owners(options: Partial<ReadOwnersOptions> = {}): Promise<OwnerTable> {
  const owners = await readOwners({ libc: loadLibc(), ...options });
  if (owners.kind === 'unavailable') throw new Error(owners.reason);
  return owners.value;
}

/** The descriptors of the holder and its child, as "pid fd inode". */
function rowsOf(table: OwnerTable, { pid, child }: SocketHolder, inodes: ReadonlySet<number>) {
  const rows: string[] = [];
  for (let row = 0; row < table.count; row++) {
    const isTheirs = table.pid[row] === pid || table.pid[row] === child.pid;
    if (isTheirs && inodes.has(table.inode[row])) {
      rows.push(`${table.pid[row]} ${table.fd[row]} ${table.inode[row]}`);
    }
  }
  return rows.toSorted();
}

function accountOf({ pid, listening, connected, child }: SocketHolder): string[] {
  const own = [listening, ...connected].map(({ fd, inode }) => `${pid} ${fd} ${inode}`);
  return [...own, `${child.pid} ${child.fd} ${listening.inode}`].toSorted();
}

function inodesOf({ listening, connected }: SocketHolder): ReadonlySet<number> {
  return new Set([listening, ...connected].map(({ inode }) => inode));
}

/** BPF reads, or the test is skipped with the reason. */
async function ownersByBpf(ctx: TestContext): Promise<OwnerTable> {
  const table = await owners();
  if (table.method !== 'bpf') ctx.skip(`needs root or CAP_BPF: ${table.methodReason}`);
  return table;
}

const WAYS: readonly (readonly [string, Partial<ReadOwnersOptions>])[] = [
  ['BPF', {}],
  ['links through the FFI', { method: 'readlink' }],
  ['links through node:fs', { method: 'readlink', libc: unavailable('a test', 'none') }],
];

describe.each(WAYS)('readOwners() by %s', (way, options) => {
  test('finds every descriptor of a program, and both holders of a socket that is shared', async (ctx) => {
    if (way === 'BPF') await ownersByBpf(ctx);
    await using holder = await startSocketHolder();
    const table = await owners(options);
    expect(rowsOf(table, holder, inodesOf(holder))).toEqual(accountOf(holder));
    const index = indexOwners(table);
    const holders = [...index.ownersOf(holder.listening.inode)].map((row) => table.pid[row]);
    expect(new Set(holders)).toEqual(new Set([holder.pid, holder.child.pid]));
  });

  test('reads only the processes asked for', async (ctx) => {
    if (way === 'BPF') await ownersByBpf(ctx);
    await using holder = await startSocketHolder();
    const table = await owners({ ...options, pids: new Set([holder.child.pid, 0x7fffffff]) });
    expect(new Set(table.pid)).toEqual(new Set([holder.child.pid]));
    expect(rowsOf(table, holder, inodesOf(holder))).toEqual([
      `${holder.child.pid} ${holder.child.fd} ${holder.listening.inode}`,
    ]);
    expect(table.unreadable).toEqual([]);
    expect([...table.commands.keys()]).toEqual([holder.child.pid]);
  });

  test('forgets the descriptors of a program that has ended', async (ctx) => {
    if (way === 'BPF') await ownersByBpf(ctx);
    const holder = await startSocketHolder();
    await holder[Symbol.asyncDispose]();
    expect(rowsOf(await owners(options), holder, inodesOf(holder))).toEqual([]);
  });

  test('leaves no descriptor open', async (ctx) => {
    if (way === 'BPF') await ownersByBpf(ctx);
    await owners(options);
    const before = openDescriptors();
    for (let i = 0; i < 5; i++) await owners(options);
    expect(openDescriptors()).toEqual(before);
  });
});

describe('readOwners()', () => {
  test('tells the state and remote port of each socket by BPF', async (ctx) => {
    await ownersByBpf(ctx);
    await using holder = await startSocketHolder();
    const { tcp, ...table } = await owners();
    const index = indexOwners({ tcp, ...table });
    const seen = (inode: number) => {
      const word = tcp?.[index.firstOwner(inode)] ?? 0;
      return { state: word & 0xffff, remotePort: word >>> 16 };
    };
    expect(seen(holder.listening.inode)).toEqual({ state: LISTEN, remotePort: 0 });
    for (const { inode, remotePort } of holder.connected) {
      expect(seen(inode)).toEqual({ state: ESTABLISHED, remotePort });
    }
  });

  test('gives by BPF the TCP sockets among those that the links name', async (ctx) => {
    const fast = await ownersByBpf(ctx);
    await using holder = await startSocketHolder();
    const [bpf, links] = [await owners(), await owners({ method: 'readlink' })];
    expect(rowsOf(bpf, holder, inodesOf(holder))).toEqual(rowsOf(links, holder, inodesOf(holder)));
    expect(fast.methodReason).toBeNull();
    expect(links.methodReason).toBe('BPF was not asked for');
    expect(links.tcp).toBeNull();
  });

  test('names the programs', async () => {
    await using holder = await startSocketHolder();
    expect((await owners()).commands.get(holder.pid)).toBe('held');
  });

  test('says why it did not use BPF', async () => {
    const libc = unavailable('the FFI did not load (no such file)', 'reinstall lastack');
    const table = await owners({ libc });
    expect(table.method).toBe('readlink');
    expect(table.methodReason).toBe('the FFI did not load (no such file) (reinstall lastack)');
  });

  test('is unavailable without procfs', async () => {
    expect(await readOwners({ libc: unavailable('a test', 'none'), proc: '/nowhere' })).toEqual(
      unavailable('cannot read /nowhere: ENOENT', 'mount procfs at /nowhere'),
    );
  });

  test('shows an ordinary user the own programs, and counts the others', async (ctx) => {
    if (process.geteuid?.() !== 0) ctx.skip('needs root to become another user');
    await using root = await startSocketHolder();
    await using nobody = await startSocketHolder({ uid: NOBODY });
    const libc = loadLibc();
    for (const each of [libc, unavailable('a test', 'none')]) {
      const table = await asNobody(() => owners({ libc: each }));
      expect(table.method).toBe('readlink');
      expect(rowsOf(table, nobody, inodesOf(nobody))).toEqual(accountOf(nobody));
      expect(rowsOf(table, root, inodesOf(root))).toEqual([]);
      const [denied] = table.unreadable;
      expect(denied.count).toBeGreaterThanOrEqual(2);
      expect(denied.reason).toMatch(/^permission denied reading \/proc\/PID\/fd of \d+ processes$/);
      expect(denied.remedy).toBe('run as root');
    }
    const refused = await asNobody(() => owners({ libc }));
    expect(refused.methodReason).toMatch(/BPF is not permitted|FFI/);
  });
});

function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => existsSync(`/proc/self/fd/${fd}`));
}
