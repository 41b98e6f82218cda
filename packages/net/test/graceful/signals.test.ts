import { once } from 'node:events';
import { connect } from 'node:http2';
import { expect, onTestFinished, test } from 'vitest';
import { Program, refuses } from './kit/program.ts';
import { get, rawClient } from './kit/raw-client.ts';
import { SELF_SIGNED } from './kit/self-signed.ts';

test('after the shutdown of a server of every kind the process ends by itself', async () => {
  const program = new Program('every-server.mjs', { CREDENTIALS: JSON.stringify(SELF_SIGNED) });
  const [{ ports } = {}] = await program.told('ports');
  const kinds = Object.entries(ports as Record<string, number>);
  for (const [kind, port] of kinds) await use(kind, port);
  program.kill('SIGTERM');
  expect(await program.exit).toEqual([0, null]);
  const reports = await program.told('report');
  expect(reports).toHaveLength(kinds.length);
  for (const { report } of reports) {
    expect(report).toMatchObject({
      outcome: 'graceful',
      droppedRequests: 0,
      forcedConnections: 0,
    });
  }
});

/** One request, and a connection that stays. */
async function use(kind: string, port: number): Promise<void> {
  if (kind === 'h2c' || kind === 'h2') {
    const scheme = kind === 'h2' ? 'https' : 'http';
    const session = connect(`${scheme}://127.0.0.1:${port}`, { rejectUnauthorized: false });
    onTestFinished(() => session.destroy());
    session.request().resume();
    await once(session, 'remoteSettings');
    return;
  }
  const client = await rawClient(port, kind === 'https' || kind === 'tls' ? 'tls' : 'tcp');
  client.send(kind.startsWith('http') ? get() : 'ok');
  await client.until(({ text }) => text.endsWith('ok'));
  client.socket.on('end', () => client.socket.end());
}

test('a second signal forces', async () => {
  const program = new Program('endless.mjs');
  const port = await program.port();
  const client = await rawClient(port);
  client.send(get());
  await program.told('request');
  program.kill('SIGTERM');
  await refuses(port);
  program.kill('SIGINT');
  const [{ report } = {}] = await program.told('report');
  expect(report).toMatchObject({
    outcome: 'forced',
    abortedRequests: 1,
    forcedConnections: 1,
  });
  await client.until(({ isClosed }) => isClosed);
  expect(await program.exit).toEqual([0, null]);
});

test('after the shutdown the signals are Node’s own again', async () => {
  const program = new Program('endless.mjs', { STAYS: 'yes' });
  await program.port();
  program.kill('SIGTERM');
  await program.told('report');
  program.kill('SIGTERM');
  expect(await program.exit).toEqual([null, 'SIGTERM']);
});
