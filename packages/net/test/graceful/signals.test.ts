import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { get, rawClient } from './kit/raw-client.ts';
import { SELF_SIGNED } from './kit/self-signed.ts';

function program(name: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
  const file = fileURLToPath(new URL(`programs/${name}`, import.meta.url));
  const child = fork(file, { env: { ...process.env, ...env } });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function message(child: ChildProcess): Promise<unknown> {
  const [value]: unknown[] = await once(child, 'message');
  return value;
}

test('after the shutdown of a server of every kind the process ends by itself', async () => {
  const child = program('every-server.mjs', { CREDENTIALS: JSON.stringify(SELF_SIGNED) });
  const exit = once(child, 'exit');
  const { ports } = (await message(child)) as { ports: Record<string, number> };
  const reports = new Map<string, unknown>();
  child.on('message', ({ kind, report }: { kind: string; report: unknown }) =>
    reports.set(kind, report),
  );
  for (const [kind, port] of Object.entries(ports)) {
    if (kind === 'h2c' || kind === 'h2') {
      const scheme = kind === 'h2' ? 'https' : 'http';
      const session = connect(`${scheme}://127.0.0.1:${port}`, { rejectUnauthorized: false });
      onTestFinished(() => session.destroy());
      session.request().resume();
      await once(session, 'remoteSettings');
    } else {
      const client = await rawClient(port, kind === 'https' || kind === 'tls' ? 'tls' : 'tcp');
      client.send(kind.startsWith('http') ? get() : 'ok');
      await client.until(({ text }) => text.endsWith('ok'));
      client.socket.on('end', () => client.socket.end());
    }
  }
  child.kill('SIGTERM');
  expect(await exit).toEqual([0, null]);
  expect([...reports.keys()].toSorted()).toEqual(Object.keys(ports).toSorted());
  for (const report of reports.values()) {
    expect(report).toMatchObject({
      outcome: 'graceful',
      droppedRequests: 0,
      forcedConnections: 0,
    });
  }
});

test('a second signal forces, and then the signals are Node’s own again', async () => {
  const child = program('endless.mjs');
  const exit = once(child, 'exit');
  const client = await rawClient((await message(child)) as number);
  client.send(get());
  expect(await message(child)).toBe('request');
  child.kill('SIGTERM');
  // The listener closes when the first signal has been taken.
  await expect.poll(() => refuses(client.socket.remotePort), { timeout: 20_000 }).toBe(true);
  expect(child.exitCode).toBeNull();
  const report = message(child);
  child.kill('SIGINT');
  expect(await report).toMatchObject({
    outcome: 'forced',
    abortedRequests: 1,
    forcedConnections: 1,
  });
  await client.until(({ isClosed }) => isClosed);
  expect(await exit).toEqual([0, null]);
});

async function refuses(port: number | undefined): Promise<boolean> {
  const { connect } = await import('node:net');
  const socket = connect(port ?? 0, '127.0.0.1');
  return new Promise((resolve) => {
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', () => resolve(true));
  });
}
