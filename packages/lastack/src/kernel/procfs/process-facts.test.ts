import { realpathSync } from 'node:fs';
import type { ProcessFacts } from '@lastack/core';
import { expect, test } from 'vitest';
import { readDescriptorUse, readProcessFacts, type ProcessFactsOptions } from './process-facts.ts';
import { startProgram, startPython } from './testing/program.ts';
import { startSampling } from './thread-sampler.ts';

function factsOf(pid: number, options?: ProcessFactsOptions): ProcessFacts | undefined {
  const facts = readProcessFacts([pid], options);
  if (facts.kind !== 'ok') throw new Error(facts.reason);
  return facts.value.get(pid);
}

test('readProcessFacts() tells what a Python server is and holds', async (ctx) => {
  await using python = await startPython(
    ctx,
    `
child = subprocess.Popen(['true'])
os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
epoll = select.epoll()
server = socket.create_server(('127.0.0.1', 0))
epoll.register(server, select.EPOLLIN)
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (123, 200))
ready(child.pid, server.fileno(), len(os.listdir('/proc/self/fd')) - 1)
time.sleep(600)
`,
  );
  const [zombie, server, open] = python.ready.split(' ').map(Number);
  expect(factsOf(python.pid)).toMatchObject({
    pid: python.pid,
    parentPid: process.pid,
    uid: process.getuid?.(),
    runtime: 'python',
    container: null,
    descriptors: { kind: 'ok', value: { open, limit: 123 } },
    threads: { kind: 'unavailable' },
    watched: { kind: 'ok', value: { instances: 1, fds: [server] } },
    zombies: [zombie],
  });
});

test('readProcessFacts() passes on the threads and asks for the container', async () => {
  const threads = await startSampling([process.pid], { durationMs: 0 });
  const facts = factsOf(process.pid, { threads, containerOf: (pid) => `container of ${pid}` });
  expect(facts?.threads).toBe(threads.get(process.pid));
  expect(facts?.container).toBe(`container of ${process.pid}`);
});

test('readProcessFacts() does not look at what is watched when nobody asks', () => {
  const facts = factsOf(process.pid, { socketsOf: () => null });
  expect(facts?.watched).toMatchObject({ kind: 'unavailable' });
});

test('readProcessFacts() knows Node by its executable', async () => {
  await using node = await startProgram(process.execPath, [
    '-e',
    `process.title = 'my app'; console.log('ready'); setInterval(() => {}, 1e6)`,
  ]);
  if (node === null) throw new Error('node did not start');
  const facts = factsOf(node.pid);
  expect(facts?.executable).toEqual({ kind: 'ok', value: realpathSync(process.execPath) });
  expect(facts?.runtime).toBe('node');
});

test('readProcessFacts() does not read the links of sockets that are known', async (ctx) => {
  await using python = await startPython(
    ctx,
    `
epoll = select.epoll()
a, b = socket.socketpair()
epoll.register(a, select.EPOLLIN)
ready(a.fileno(), os.fstat(a.fileno()).st_ino)
time.sleep(600)
`,
  );
  const [fd, inode] = python.ready.split(' ').map(Number);
  const watchedWith = (known: number) =>
    factsOf(python.pid, { socketsOf: () => new Map([[fd, known]]) })?.watched;
  expect(watchedWith(inode)).toMatchObject({ value: { fds: [fd] } });
  expect(watchedWith(inode + 1)).toMatchObject({ value: { fds: [] } });
});

test('readProcessFacts() leaves out processes that have ended', () => {
  expect(factsOf(99_999_999)).toBeUndefined();
});

test('readDescriptorUse() says that a process ended', () => {
  expect(readDescriptorUse('/proc', 99_999_999)).toMatchObject({
    kind: 'unavailable',
    reason: 'process 99999999 ended while it was read',
  });
});
