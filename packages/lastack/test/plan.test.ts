import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findPython } from './kit/installed.ts';
import { runLastack } from './kit/lastack.ts';
import { HERE, openPair, THERE, type Pair } from './kit/netns.ts';
import { orSkip } from './kit/or-skip.ts';
import { startProgram } from './kit/program.ts';
import { schemaErrors } from './kit/schema.ts';

const CLIENT = fileURLToPath(new URL('programs/connects-and-closes.py', import.meta.url));
const PORT = 9000;
const SECOND = { here: '10.99.0.11', there: '10.99.0.12' };

interface Observed {
  readonly connected: number;
  readonly firstRefusalMs: number;
}

/** Two hosts; the one here has 400 local ports. */
async function openFewPorts(): Promise<Pair> {
  const pair = await openPair();
  const { here, there } = pair;
  await here.set('net.ipv4.ip_local_port_range', '40000 40399');
  await here.set('net.ipv4.tcp_tw_reuse', 2);
  await here.do('ip', ['address', 'add', `${SECOND.here}/24`, 'dev', 'veth0']);
  await there.do('ip', ['address', 'add', `${SECOND.there}/24`, 'dev', 'veth0']);
  await startProgram(there, 'healthy-echo.py', [PORT]);
  return pair;
}

async function connectAndClose(
  { here }: Pair,
  seconds: number,
  destinations: string,
  sources: string,
): Promise<Observed> {
  const python = findPython('python3') ?? 'python3';
  const args = [CLIENT, PORT, seconds, destinations, sources].map(String);
  const { stdout, stderr } = await here.run(python, args);
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(stderr);
  return JSON.parse(line) as Observed;
}

async function planFor({ here }: Pair, ...args: string[]) {
  const { stdout } = await runLastack(['plan', '--json', '--latency', '0', ...args], {
    namespace: here,
  });
  return (
    JSON.parse(stdout) as {
      capacity: { tuples: number; portsEndMs: number | null; portsAllowPerSecond: number };
    }
  ).capacity;
}

test('the ports run out after as many connections as plan says', async (ctx) => {
  await using pair = await orSkip(ctx, openFewPorts());
  const { tuples } = await planFor(pair);
  const { connected } = await connectAndClose(pair, 0, THERE.ipv4, HERE.ipv4);
  expect(connected).toBe(tuples);
});

test('reserved ports are left out, and addresses multiply', async (ctx) => {
  await using pair = await orSkip(ctx, openFewPorts());
  await pair.here.set('net.ipv4.ip_local_reserved_ports', '40000-40099');
  const { tuples } = await planFor(pair, '--sources', '2', '--destinations', '2');
  const { connected } = await connectAndClose(
    pair,
    0,
    `${THERE.ipv4},${SECOND.there}`,
    `${HERE.ipv4},${SECOND.here}`,
  );
  expect(tuples).toBe(1200);
  expect(connected).toBe(tuples);
});

/** Retried, because a machine that stands still for a second makes fewer connections than the kernel allows. */
test('with tcp_tw_reuse=1 the ports allow the rate that plan says', { retry: 2 }, async (ctx) => {
  await using pair = await orSkip(ctx, openFewPorts());
  await pair.here.set('net.ipv4.tcp_tw_reuse', 1);
  const { portsAllowPerSecond } = await planFor(pair);
  const seconds = 6;
  const { connected } = await connectAndClose(pair, seconds, THERE.ipv4, HERE.ipv4);
  expect(Math.abs(connected / seconds / portsAllowPerSecond - 1)).toBeLessThan(0.05);
});

test('plan names the cheapest cure, and a leak as what it is', async () => {
  const short = ['plan', '--rate', '1000', '--ports', '28232', '--tw-reuse', '2'];
  const { stdout } = await runLastack(short);
  expect(stdout).toContain('run out after 28 s: 28,232 allow 470 connections');
  expect(stdout).toMatch(/cheapest cure +sysctl -w net\.ipv4\.tcp_tw_reuse=1/);
  const leak = await runLastack(['plan', '--rate', '50', '--hold', 'forever']);
  expect(leak.stdout).toContain('close them: `lastack doctor` names the line');
});

test('plan --json is as its schema says', async () => {
  for (const args of [[], ['--hold', 'forever'], ['--closes-first', 'server', '--latency', '0']]) {
    const { stdout } = await runLastack(['plan', '--json', ...args]);
    expect(schemaErrors('plan', JSON.parse(stdout))).toBeNull();
  }
});

test('plan refuses what is no number', async () => {
  const { status, stderr } = await runLastack(['plan', '--rate', 'many']);
  expect(status).toBe(2);
  expect(stderr).toContain('Give a number above 0, at most 1e9.');
});
