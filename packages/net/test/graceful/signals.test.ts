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

test('the first signal during a shutdown that was called does not force', async () => {
  const program = new Program('endless.mjs');
  const port = await program.port();
  const client = await rawClient(port);
  client.send(get());
  await program.told('request');
  program.send('shut down');
  await refuses(port);
  program.kill('SIGTERM');
  await program.told('signalled');
  program.send('answer');
  await client.until(({ hasEnded }) => hasEnded);
  client.socket.end();
  const [{ report } = {}] = await program.told('report');
  expect(report).toMatchObject({ outcome: 'graceful', completed: 1, abortedRequests: 0 });
  expect(await program.exit).toEqual([0, null]);
});

test('after the shutdown its handlers of signals are gone', async () => {
  const program = new Program('every-server.mjs', {
    CREDENTIALS: JSON.stringify(SELF_SIGNED),
    STAYS: 'yes',
  });
  await program.told('ports');
  program.kill('SIGTERM');
  await program.told('report', 6);
  program.kill('SIGTERM');
  expect(await program.exit).toEqual([null, 'SIGTERM']);
});
