import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { locateRecorded } from '../src/locate/recorded/locate-recorded.ts';
import { until } from './kit/condition.ts';
import { findPython, PROGRAM_ENV } from './kit/installed.ts';
import { ENTRY, LEAK_CHECK, runLastack } from './kit/lastack.ts';
import { collect, type Namespace } from './kit/netns.ts';
import { childrenOf } from './kit/procfs.ts';
import { startProgram } from './kit/program.ts';
import { commandOf, makerIn, namespaceOrSkip, reportOf, runUnder } from './kit/run.ts';
import { descriptorsOf, readSockets } from './kit/sockets.ts';

const PORT = 7000;
const python = findPython('python3') ?? '';

let parent = '';
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'lastack-test-run-'));
});
afterAll(() => rm(parent, { recursive: true }));

describe.concurrent("run ends with the command's own status", () => {
  for (const [command, status] of [
    [[process.execPath, '-e', 'process.exit(3)'], 3],
    [[python, '-c', 'raise SystemExit(4)'], 4],
    [['sh', '-c', 'kill -KILL $$'], 137],
    [['sh', '-c', 'kill -TERM $$'], 143],
  ] as const) {
    test(`${status}`, async (ctx) => {
      await using namespace = await namespaceOrSkip(ctx);
      const output = await runUnder({ namespace, parent }, ['--json'], command);
      expect(output).toMatchObject({ status, stderr: '' });
      expect(reportOf(output)).toMatchObject({ status, findings: [] });
    });
  }
});

test.each([
  [['run', '--', 'no-such-command'], 127, 'Cannot run no-such-command: no such command'],
  [['run', '--', '/etc/passwd'], 126, 'Cannot run /etc/passwd: EACCES'],
  [['run'], 2, "missing required argument 'command'"],
  [['run', '--fail-on', 'never', '--', 'true'], 2, 'Allowed choices are'],
  [['run', '--grace', 'soon', '--', 'true'], 2, 'Give a duration with its unit'],
])('lastack %j ends with %i and one message', async (args, status, message) => {
  const output = await runLastack(args);
  expect(output).toMatchObject({ status, stdout: '' });
  expect(output.stderr).toMatch(/^lastack: /);
  expect(output.stderr).toContain(message);
});

test('run says that it has no place for its records', async () => {
  const output = await runLastack(['run', 'true'], { env: { TMPDIR: '/nonexistent' } });
  expect(output).toMatchObject({ status: 2, stdout: '' });
  expect(output.stderr).toMatch(/^lastack: Cannot keep records in \/nonexistent: ENOENT/);
});

test("run leaves the command's words, its output and its input alone", async () => {
  const script = 'process.stdin.on("data", (d) => console.log(String(d), process.argv.slice(1)))';
  const args = ['run', process.execPath, '-e', script, '--', '--json', '--', 'x'];
  const { status, stdout, stderr } = await runLastack(args, { input: 'in' });
  expect(stdout).toBe("in [ '--json', '--', 'x' ]\n");
  expect(stderr).toBe('lastack: no socket was left open\n');
  expect(status).toBe(0);
});

test('the report is a line of its own, even behind a line without an end', async () => {
  const { stdout } = await runLastack(['run', '--json', 'printf', 'no end']);
  expect(stdout.split('\n')).toEqual(['no end', expect.stringMatching(/^\{.*\}$/), '']);
});

test('a compiled program is told the lines of its source, without --enable-source-maps', async (ctx) => {
  await using namespace = await namespaceOrSkip(ctx);
  await startProgram(namespace, 'healthy-echo.py', [PORT]);
  const folder = await mkdtemp(join(parent, 'compiled-'));
  const connect = `require('net').connect(${PORT}, '127.0.0.1', () => process.exit());`;
  await writeFile(join(folder, 'a.js'), `${connect}\n//# sourceMappingURL=a.js.map`);
  const map = { version: 3, sources: ['a.ts'], names: [], mappings: 'AAKA' };
  await writeFile(join(folder, 'a.js.map'), JSON.stringify(map));
  const command = [process.execPath, join(folder, 'a.js')];
  const output = await runUnder({ namespace, parent }, ['--json'], command);
  expect(reportOf(output).findings).toMatchObject([
    { kind: 'open-at-exit', locations: [{ file: join(folder, 'a.ts'), line: 6 }] },
  ]);
});

test("the user's own preloads work as ever", async (ctx) => {
  await using namespace = await namespaceOrSkip(ctx);
  const folder = await mkdtemp(join(parent, 'his-'));
  await writeFile(join(folder, 'his.cjs'), 'console.log("his");');
  await mkdir(join(folder, 'py'));
  await writeFile(join(folder, 'py/sitecustomize.py'), 'import sys\nprint("his", __name__)\n');
  const env = {
    NODE_OPTIONS: `--require ${join(folder, 'his.cjs')}`,
    PYTHONPATH: join(folder, 'py'),
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const node = await runUnder(
    { namespace, parent },
    [],
    [process.execPath, '-p', 'require("net").connect.name'],
    env,
  );
  // Once by lastack itself.
  expect(node.stdout).toBe('his\nhis\nconnect\n');
  const script = 'import socket, sys; print(sys.path[1:2], socket.socket.__init__.__name__)';
  const py = await runUnder({ namespace, parent }, [], [python, '-c', script], env);
  expect(py.stdout).toBe(`his\nhis sitecustomize\n['${join(folder, 'py')}'] __init__\n`);
});

test('a program that connects from the end of the last connection keeps none of them', async (ctx) => {
  await using namespace = await namespaceOrSkip(ctx);
  const [node, ...rest] = commandOf('retries.cjs');
  const { stdout } = await runUnder({ namespace, parent }, [], [node, '--expose-gc', ...rest]);
  expect(stdout).toBe('collected\n');
});

describe.concurrent('while the command computes for ever, its record can be read', () => {
  for (const [program, maker] of [
    ['blocked.mjs', '<anonymous>'],
    ['blocked.py', '<module>'],
  ] as const) {
    test(`of ${program}`, async (ctx) => {
      await using namespace = await namespaceOrSkip(ctx);
      await startProgram(namespace, 'healthy-echo.py', [PORT]);
      const running = start(namespace, [], commandOf(program, PORT));
      const pid = await running.ready;
      const fds = descriptorsOf(pid);
      const located = await locateRecorded({ pid, fds });
      expect(located).toMatchObject({
        kind: 'ok',
        value: { locations: [{ ...(await makerIn(program, maker)), fd: expect.any(Number) }] },
      });
      process.kill(pid, 'SIGKILL');
      expect(await running.ended).toMatchObject({ status: 137 });
      expect(await locateRecorded({ pid, fds })).toMatchObject({ kind: 'unavailable' });
    });
  }

  test('and of another process it is said that there is none', async () => {
    const located = await locateRecorded({ pid: process.pid, fds: [1] });
    expect(located).toMatchObject({
      kind: 'unavailable',
      reason: `pid ${process.pid} was not started by lastack run`,
    });
  });
});

test('an ordinary user is told the line too', async (ctx) => {
  if (process.getuid?.() !== 0) ctx.skip('needs root, to become somebody else');
  await using namespace = await namespaceOrSkip(ctx);
  const output = await runLastack(
    ['run', '--json', '--grace', '300ms', '--', ...commandOf('net-server.mjs')],
    { namespace, uid: 65_534 },
  );
  expect(reportOf(output).findings).toMatchObject([
    { count: 2, locations: [await makerIn('net-server.mjs', 'start')] },
  ]);
});

test('a server that is told to end is looked at before, and its leak counts', async (ctx) => {
  await using namespace = await namespaceOrSkip(ctx);
  const options = ['--json', '--grace', '1ms'];
  const running = start(namespace, options, commandOf('net-server.mjs', '--stay'));
  await until(
    () => readSockets(namespace).filter(({ state }) => state === 'CLOSE-WAIT').length === 2,
    'the leak',
  );
  process.kill(running.pid, 'SIGTERM');
  const output = await running.ended;
  expect(output.status).toBe(1);
  expect(reportOf(output)).toMatchObject({
    status: 0,
    findings: [{ count: 2, locations: [await makerIn('net-server.mjs', 'start')] }],
  });
  expect(namespace.pids()).toEqual([]);
});

test('a signal ends a command as it would without lastack', async (ctx) => {
  await using namespace = await namespaceOrSkip(ctx);
  for (const [signal, status] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const running = start(namespace, [], ['sh', '-c', 'echo ready; sleep 3600']);
    await running.ready;
    process.kill(running.pid, signal);
    expect((await running.ended).status).toBe(status);
    expect(namespace.pids()).toEqual([]);
  }
});

test('what the command leaves running is ended, also if it ignores SIGTERM', async (ctx) => {
  await using namespace = await namespaceOrSkip(ctx);
  const script = 'sleep 3600 & (trap "" TERM; sleep 3600) & exit 5';
  const { status } = await runUnder({ namespace, parent }, [], ['sh', '-c', script]);
  expect(status).toBe(5);
  expect(namespace.pids()).toEqual([]);
});

test('the next run removes the folder of one that was killed', async (ctx) => {
  await using namespace = await namespaceOrSkip(ctx);
  const folder = await mkdtemp(join(parent, 'tmp-'));
  const env = { TMPDIR: folder };
  const running = start(namespace, [], ['sh', '-c', 'echo ready; sleep 3600'], env);
  await running.ready;
  await mkdir(join(folder, 'lastack-run-1-1-1-elsewhere'));
  process.kill(running.pid, 'SIGKILL');
  for (const pid of namespace.pids()) process.kill(pid, 'SIGKILL');
  await running.ended;
  expect(await readdir(folder)).toHaveLength(2);
  await runLastack(['run', 'true'], { namespace, env });
  expect(await readdir(folder)).toEqual(['lastack-run-1-1-1-elsewhere']);
});

/** Starts lastack with a command; `ready` is the command's pid, once it has said so. */
function start(
  namespace: Namespace,
  options: readonly string[],
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
) {
  const line = ['--require', LEAK_CHECK, ENTRY, 'run', ...options, '--', ...command];
  const child = namespace.spawn(process.execPath, line, {
    env: { ...PROGRAM_ENV, TMPDIR: parent, ...env },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('lastack did not start');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => (output += text.toString()));
  }
  return {
    pid,
    ended: collect(child),
    ready: until(
      () => (output.includes('ready') ? childrenOf(pid)[0] : undefined),
      () => `the command to be ready: ${output}`,
    ),
  };
}

test('run says nothing of a socket that is closed late', async (ctx) => {
  if (python === '') ctx.skip('no python3 that runs');
  await using namespace = await namespaceOrSkip(ctx);
  const options = ['--grace', '300ms', '--json'];
  const output = await runUnder({ namespace, parent }, options, commandOf('closes-late.py'));
  expect(reportOf(output).findings).toEqual([]);
  expect(output.status).toBe(0);
});
