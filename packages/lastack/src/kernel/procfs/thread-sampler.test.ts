import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallSeen, ThreadActivity, ThreadSight } from '@lastack/core';
import { expect, onTestFinished, test, vi, type TestContext } from 'vitest';
import { startProgram, startPython } from './testing/program.ts';
import { startSampling } from './thread-sampler.ts';

const QUICK = { durationMs: 100, samples: 5 };

async function sightOf(pid: number, options = QUICK): Promise<ThreadSight> {
  const sight = (await startSampling([pid], options)).get(pid);
  if (sight?.kind !== 'ok') throw new Error(sight?.reason ?? `${pid} is gone`);
  return sight.value;
}

/** Samples until every sample shows the main thread in one call, and returns that call. */
async function settledCall(ctx: TestContext, pid: number): Promise<CallSeen> {
  const sight = await vi.waitFor(async () => {
    const sight = await sightOf(pid);
    const [main] = sight.threads;
    expect(sight.callsHidden !== null || main.calls[0]?.samples === main.samples).toBe(true);
    return sight;
  }, 20_000);
  if (sight.callsHidden !== null) ctx.skip(sight.callsHidden.reason);
  return sight.threads[0].calls[0];
}

/** Python programs, each with what its main thread waits in; `ready()` gives the descriptor or the child. */
const WAITING = [
  {
    what: 'recv',
    source: 'a, b = socket.socketpair(); ready(a.fileno()); a.recv(1)',
    names: ['recvfrom'],
  },
  {
    what: 'recv with a timeout, which polls one descriptor',
    source: 'a, b = socket.socketpair(); a.settimeout(600); ready(a.fileno()); a.recv(1)',
    names: ['poll', 'ppoll'],
  },
  {
    what: 'accept',
    source: 's = socket.create_server(("127.0.0.1", 0)); ready(s.fileno()); s.accept()',
    names: ['accept', 'accept4'],
  },
  {
    what: 'epoll_wait',
    source: 'e = select.epoll(); ready(e.fileno()); e.poll()',
    names: ['epoll_wait', 'epoll_pwait'],
    target: 'anon_inode:[eventpoll]',
  },
  {
    what: 'send',
    source: 'a, b = socket.socketpair(); ready(a.fileno()); a.sendall(bytes(1 << 24))',
    names: ['sendto'],
  },
  { what: 'read of stdin', source: 'ready(0); sys.stdin.readline()', names: ['read'] },
] as const;

for (const { what, source, names, ...expected } of WAITING) {
  test(`startSampling() tells ${what}, and on which descriptor`, async (ctx) => {
    await using python = await startPython(ctx, source);
    const call = await settledCall(ctx, python.pid);
    expect(names).toContain(call.name);
    expect(call.fd).toBe(Number(python.ready));
    expect(call.target).toMatch(
      'target' in expected ? expected.target : /^(?:socket|pipe):\[\d+\]$/,
    );
  });
}

test('startSampling() tells a sleeping program', async (ctx) => {
  await using python = await startPython(ctx, 'ready(); time.sleep(600)');
  const call = await settledCall(ctx, python.pid);
  expect(call).toMatchObject({ fd: null, target: null, childPid: null });
  expect(['clock_nanosleep', 'pselect6', 'select']).toContain(call.name);
});

test('startSampling() tells a lock that is waited for', async (ctx) => {
  await using python = await startPython(
    ctx,
    'lock = threading.Lock(); lock.acquire(); ready(); lock.acquire()',
  );
  expect((await settledCall(ctx, python.pid)).name).toBe('futex');
});

test('startSampling() tells which child is waited for', async (ctx) => {
  await using python = await startPython(
    ctx,
    `
child = subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'], stdin=subprocess.PIPE)
ready(child.pid)
os.waitpid(child.pid, 0)
`,
  );
  const call = await settledCall(ctx, python.pid);
  expect(call).toMatchObject({ name: 'wait4', childPid: Number(python.ready), fd: null });
});

test('startSampling() tells a loop that spins: runnable, user time, no call', async (ctx) => {
  await using python = await startPython(ctx, 'ready()\nwhile True: pass');
  const main = await vi.waitFor(async () => {
    const [main] = (await sightOf(python.pid, { durationMs: 300, samples: 10 })).threads;
    expect(main.running).toBe(main.samples);
    expect(main.cpu?.user).toBeGreaterThan(0.2);
    return main;
  }, 20_000);
  expect(main.calls).toEqual([]);
  expect(main.state).toBe('R');
  expect(main.wchan).toBe('');
});

test('startSampling() tells a loop of system calls by its time in the kernel', async (ctx) => {
  await using python = await startPython(
    ctx,
    `
a, b = socket.socketpair(); a.setblocking(False); ready()
while True:
    try: a.recv(1)
    except BlockingIOError: pass
`,
  );
  await vi.waitFor(async () => {
    const [main] = (await sightOf(python.pid, { durationMs: 300, samples: 10 })).threads;
    expect(main.running).toBeGreaterThanOrEqual(main.samples - 1);
    expect(main.cpu?.system).toBeGreaterThan(0.02);
  }, 20_000);
});

test('startSampling() sees the event loop of Node in epoll', async (ctx) => {
  await using node = await startProgram(process.execPath, [
    '-e',
    `require('net').createServer().listen(0, '127.0.0.1', () => console.log('ready'))`,
  ]);
  if (node === null) throw new Error('node did not start');
  const call = await settledCall(ctx, node.pid);
  expect(call.name).toMatch(/^epoll_p?wait/);
  expect(call.target).toBe('anon_inode:[eventpoll]');
});

test('startSampling() counts the threads beyond its cap', async (ctx) => {
  await using python = await startPython(
    ctx,
    `
for _ in range(5): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
ready(); time.sleep(600)
`,
  );
  const sampled = await startSampling([python.pid], { durationMs: 0, maxThreads: 4 });
  expect(sampled.get(python.pid)).toMatchObject({ kind: 'ok', value: { omitted: 2 } });
});

test('startSampling() takes one sample when the duration is 0', async () => {
  const sight = await sightOf(process.pid, { durationMs: 0, samples: 20 });
  const first: ThreadActivity = sight.threads[0];
  expect(first).toMatchObject({ tid: process.pid, samples: 1, cpu: null, voluntarySwitches: null });
});

test('startSampling() leaves out processes that ended, and says which were too many', async () => {
  const sampled = await startSampling([99_999_999, process.pid, 1], {
    durationMs: 0,
    maxProcesses: 2,
  });
  expect(sampled.has(99_999_999)).toBe(false);
  expect(sampled.get(process.pid)).toMatchObject({ kind: 'ok' });
  expect(sampled.get(1)).toMatchObject({
    kind: 'unavailable',
    reason: 'only 2 processes are sampled at a time',
  });
});

test('startSampling() survives a process that ends while it is sampled', async (ctx) => {
  const python = await startPython(ctx, 'ready(); time.sleep(600)');
  let samples = 0;
  const sampled = await startSampling([python.pid], {
    samples: 3,
    sleep: async () => {
      samples++;
      await python[Symbol.asyncDispose]();
    },
  });
  expect(samples).toBeGreaterThan(0);
  expect([...sampled]).toEqual([]);
});

test('startSampling() takes fewer samples rather than half of a processor', async () => {
  let clock = 0;
  const sight = (
    await startSampling([process.pid], {
      durationMs: 1000,
      samples: 20,
      // Each reading of the clock takes 20 ms: a look is far slower than its interval.
      now: () => (clock += 20),
      sleep: async (ms) => (clock += ms),
    })
  ).get(process.pid);
  expect(sight?.kind === 'ok' && sight.value.threads[0].samples).toBeLessThan(15);
});

test('startSampling() still tells state and time where the calls may not be read', async () => {
  const root = mkdtempSync(join(tmpdir(), 'lastack-proc-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const task = join(root, '7/task/7');
  // Reading a folder fails for root too.
  mkdirSync(join(task, 'syscall'), { recursive: true });
  writeFileSync(join(task, 'stat'), '7 (api) R 1 7 7 0 -1 0 0 0 0 0 5 6 0 0 20 0 1 0 99 0\n');
  writeFileSync(join(task, 'status'), 'Uid:\t0\t0\t0\t0\nvoluntary_ctxt_switches:\t3\n');
  writeFileSync(join(task, 'wchan'), 'do_wait');
  const sight = (await startSampling([7], { root, ...QUICK })).get(7);
  expect(sight).toMatchObject({
    kind: 'ok',
    value: {
      threads: [{ name: 'api', state: 'R', samples: 5, running: 5, calls: [], wchan: 'do_wait' }],
      callsHidden: { reason: `cannot read ${task}/syscall: EISDIR` },
    },
  });
});

test("startSampling() says why another user's system calls are hidden", async (ctx) => {
  if (process.getuid?.() === 0) ctx.skip('root may read everything');
  if (statSync('/proc/1').uid === process.getuid?.()) ctx.skip('process 1 is of the same user');
  const sight = (await startSampling([1], { durationMs: 0 })).get(1);
  expect(sight).toMatchObject({
    value: {
      threads: expect.arrayContaining([expect.objectContaining({ tid: 1, samples: 1, calls: [] })]),
      callsHidden: { reason: expect.stringContaining('permission denied'), remedy: 'run as root' },
    },
  });
});
