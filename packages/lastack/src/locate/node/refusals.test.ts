import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, type TestContext } from 'vitest';
import { until } from '../../../test/kit/condition.ts';
import { isInstalled } from '../../../test/kit/installed.ts';
import { childrenOf } from '../../../test/kit/procfs.ts';
import { startProgram, startPython } from '../../kernel/procfs/testing/program.ts';
import { locateNode } from './locate-node.ts';
import { listensOn, NODES, startNode, type NodeProgram } from './testing/node-program.ts';

/** Of binutils. */
const STRIP = 'strip';

/** The system call's number, as /proc/PID/syscall begins. */
const FUTEX = process.arch === 'arm64' ? '98 ' : '202 ';

/** epoll_wait or epoll_pwait. */
const IN_LOOP = process.arch === 'arm64' ? /^22 / : /^(?:232|281) /;

const WAIT = `setInterval(() => {}, 1000); console.log('ready'); process.stdin.on('data', () => console.log('alive'));`;

/** Why it is refused. It must live on undisturbed: no signal, no code of its own that ran. */
async function refusalOf(program: NodeProgram): Promise<string> {
  const located = await locateNode({ pid: program.pid, fds: [] });
  expect(await program.ask('?')).toBe('alive');
  if (located.kind === 'ok') throw new Error('it was not refused');
  expect(located.remedy).toMatch(/--inspect=|--pid \d+|try again/);
  return located.reason;
}

async function startOrSkip(ctx: TestContext, node: string, options: string[]) {
  const { status } = spawnSync(node, [...options, '-e', '0']);
  if (status !== 0) ctx.skip(`${node} does not know ${options.join(' ')}`);
  return startNode(WAIT, { node, options });
}

describe.each(NODES)('locateNode() refuses %s', (node) => {
  test('with a handler of its own for SIGUSR1', async () => {
    await using program = await startNode(
      `process.on('SIGUSR1', () => console.log('signalled'));\n${WAIT}`,
      { node },
    );
    expect(await refusalOf(program)).toContain('handles SIGUSR1 itself');
  });

  test('with such a handler among others', async () => {
    await using program = await startNode(
      `for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGWINCH', 'SIGUSR2', 'SIGUSR1']) process.on(signal, () => console.log(signal));\n${WAIT}`,
      { node },
    );
    expect(await refusalOf(program)).toContain('handles SIGUSR1 itself');
  });

  test('with a handler that was removed', async () => {
    await using program = await startNode(
      `const handle = () => {}; process.on('SIGUSR1', handle); process.off('SIGUSR1', handle);\n${WAIT}`,
      { node },
    );
    expect(await refusalOf(program)).toContain('the signal would end it');
  });

  test('with --disable-sigusr1', async (ctx) => {
    await using program = await startOrSkip(ctx, node, ['--disable-sigusr1']);
    expect(await refusalOf(program)).toContain('SIGUSR1');
  });

  test('as the primary of a cluster, not its worker', async () => {
    await using program = await startNode(
      `import cluster from 'node:cluster';
if (cluster.isPrimary) cluster.fork().on('message', (pid) => console.log('ready', pid));
else process.send(process.pid);
process.stdin.on('data', () => console.log('alive'));`,
      { node },
    );
    expect(await refusalOf(program)).toContain('is the primary of a cluster');
    const worker = await locateNode({ pid: Number(program.words[1]), fds: [] });
    expect(worker.kind).toBe('ok');
    expect(await program.ask('?')).toBe('alive');
  });

  test('that is stopped, and would open its inspector when nobody waits for it', async () => {
    await using program = await startNode(WAIT, { node });
    process.kill(program.pid, 'SIGSTOP');
    await until(
      () => /^State:\tT/m.test(readFileSync(`/proc/${program.pid}/status`, 'utf8')),
      'it',
    );
    const located = await locateNode({ pid: program.pid, fds: [] });
    process.kill(program.pid, 'SIGCONT');
    expect(located).toMatchObject({ reason: expect.stringContaining('is stuck (stopped)') });
    expect(await program.ask('?')).toBe('alive');
    expect(listensOn(program.pid, program.inspectorPort)).toBe(false);
  });

  test('whose main thread is blocked elsewhere', async () => {
    await using program = await startNode(
      `console.log('ready');
process.stdin.on('data', () => console.log('alive'));
setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000), 20);`,
      { node },
    );
    await until(() => readFileSync(`/proc/${program.pid}/syscall`, 'utf8').startsWith(FUTEX), 'it');
    expect(await refusalOf(program)).toContain('is stuck (futex)');
  });

  test('that waits for a child, in an event loop of its own', async () => {
    await using program = await startNode(
      `import { execSync } from 'node:child_process';
import { createServer } from 'node:net';
// Behind the first turn of the loop, which watches the server's socket then.
createServer().listen(0, '127.0.0.1', () => {
  console.log('ready');
  setImmediate(() => setTimeout(() => execSync('sleep 2'), 20));
});
process.stdin.on('data', () => console.log('alive'));`,
      { node },
    );
    const call = () => readFileSync(`/proc/${program.pid}/syscall`, 'utf8');
    // Between the start of its child and the wait for it, nothing shows that it will wait.
    await until(() => childrenOf(program.pid).length > 0 && IN_LOOP.test(call()), 'its wait');
    expect(await refusalOf(program)).toContain('of a synchronous call');
    expect(listensOn(program.pid, program.inspectorPort)).toBe(false);
  });

  test('that blocks again and again, and leaves its inspector closed', async () => {
    await using program = await startNode(
      `import { execSync } from 'node:child_process';
console.log('ready');
setInterval(() => execSync('sleep 1.5'), 10);`,
      { node },
    );
    // Depending on the moment it answers in time, or is refused.
    await locateNode({ pid: program.pid, fds: [] });
    expect(program.isAlive()).toBe(true);
    expect(listensOn(program.pid, program.inspectorPort)).toBe(false);
  });

  test('without symbols', async (ctx) => {
    if (!isInstalled(STRIP)) ctx.skip('strip is missing: install binutils');
    const folder = mkdtempSync(join(tmpdir(), 'lastack-stripped-'));
    try {
      const stripped = join(folder, 'node');
      copyFileSync(node, stripped);
      const { status } = spawnSync(STRIP, [stripped]);
      if (status !== 0) ctx.skip('strip failed');
      await using program = await startNode(WAIT, { node: stripped });
      expect(await refusalOf(program)).toContain('cannot be found');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('locateNode() refuses another program', () => {
  test('of Python', async (ctx) => {
    await using program = await startPython(ctx, `ready(); sys.stdin.read()`);
    const located = await locateNode({ pid: program.pid, fds: [] });
    expect(located).toMatchObject({
      reason: expect.stringContaining("does not show Node's symbols"),
    });
    process.kill(program.pid, 0);
  });

  test('that would die of the signal', async (ctx) => {
    const started = await startProgram('sh', ['-c', 'echo ready; exec sleep 60']);
    await using program = started ?? ctx.skip('sh does not run');
    const located = await locateNode({ pid: program.pid, fds: [] });
    expect(located.kind).toBe('unavailable');
    process.kill(program.pid, 0);
  });

  test('that is not there', async () => {
    expect(await locateNode({ pid: 2 ** 22 + 1, fds: [] })).toMatchObject({
      reason: expect.stringContaining('ended'),
    });
  });
});
