import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../../test/kit/condition.ts';
import { readListeners } from './listeners.ts';
import { locateNode } from './locate-node.ts';
import { startNode } from './testing/node-program.ts';

/** A server that answers requests, keeps every connection of a second port, and tells its longest pause, ms. */
const SERVER = `import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
const kept = new Map();
let last = performance.now();
let longest = 0;
setInterval(() => {
  const now = performance.now();
  longest = Math.max(longest, now - last);
  last = now;
}, 1);
const server = createServer((request, response) => response.end('x'));
const leaky = createTcpServer((socket) => { // leaks
  kept.set(kept.size, { socket });
  socket.on('error', () => {});
});
process.stdin.on('data', () => {
  console.log(Math.round(longest), kept.size);
  longest = 0;
});
leaky.listen(0, '127.0.0.1', () => server.listen(0, '127.0.0.1', () => console.log(leaky.address().port, server.address().port)));`;

const CONNECTIONS = 300;
/** 20 to 50 ms on a machine of its own; on one that others keep busy, pauses of 800 ms were seen without any attaching. */
const LONGEST_PAUSE_MS = 2000;

test('a server that is attached to loses no request, and is not held up', async () => {
  await using program = await startNode(SERVER);
  for (let i = 0; i < CONNECTIONS; i++) await program.connect();
  await until(() => program.socketFds().length === CONNECTIONS + 2, 'the connections');
  const fds = program.socketFds();
  const counts = { answered: 0, failed: 0, isOver: false };
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const ask = (): Promise<void> =>
    new Promise((resolve) => {
      const asking = get({ agent, host: '127.0.0.1', port: program.words[1] }, (response) => {
        response.resume().once('end', () => resolve(void counts.answered++));
      });
      asking.once('error', () => resolve(void counts.failed++));
    });
  const clients = Array.from({ length: 4 }, async () => {
    while (!counts.isOver) await ask();
  });
  await until(() => counts.answered > 100, 'the load');
  await program.ask('?');
  const located = await locateNode({ pid: program.pid, fds });
  const [longest, kept] = (await program.ask('?')).split(' ').map(Number);
  const { answered } = counts;
  await until(() => counts.answered > answered + 100, 'more load');
  counts.isOver = true;
  await Promise.all(clients);
  agent.destroy();
  expect(counts.failed).toBe(0);
  expect(longest).toBeLessThan(LONGEST_PAUSE_MS);
  expect(kept).toBe(CONNECTIONS);
  const held = located.kind === 'ok' ? located.value.locations : [];
  const names = held.filter(({ name }) => name === 'kept.get(…).socket');
  expect(names.map(({ line }) => line)).toEqual(names.map(() => program.lineOf('const kept')));
  expect(names).toHaveLength(CONNECTIONS);
});

test('a server in another network namespace is reached there', async (ctx) => {
  if (process.geteuid?.() !== 0) ctx.skip('needs root to make a network namespace');
  const folder = mkdtempSync(join(tmpdir(), 'lastack-netns-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'server.mjs');
  writeFileSync(file, SERVER);
  const enter = 'ip link set lo up && exec "$@"';
  const line = ['-n', 'sh', '-c', enter, 'sh', process.execPath, file];
  const child = spawn('unshare', line, { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const isReady = await Promise.race([
    once(createInterface(child.stdout), 'line').then(() => true),
    once(child, 'error').then(() => false),
    ended.then(() => false),
  ]);
  if (!isReady || child.pid === undefined) ctx.skip('unshare -n failed');
  const pid = child.pid ?? 0;
  const before = readListeners(pid);
  const fds = Array.from({ length: 40 }, (_, i) => i + 3);
  const located = await locateNode({ pid, fds });
  expect(located).toMatchObject({ kind: 'ok' });
  const lines = located.kind === 'ok' ? located.value.locations.map(({ line }) => line) : [];
  expect(lines).toContain(SERVER.split('\n').findIndex((text) => text.includes('// leaks')) + 1);
  expect(readListeners(pid)).toEqual(before);
});
