import { Agent, createServer, request as httpRequest } from 'node:http';
import { createSecureServer, createServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createNetServer } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { gracefulServer } from '../../src/graceful/graceful-server.ts';
import { get, rawClient } from './kit/raw-client.ts';
import { SELF_SIGNED } from './kit/self-signed.ts';
import { listening, portOf, testServer } from './kit/test-server.ts';

const LONG = 60_000;

test('keep-alive clients that post without a pause lose no request', async () => {
  const server = await testServer({ idleGrace: LONG });
  const clients = Array.from({ length: 16 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const { port } = server;
  let answered = 0;
  const ends = clients.map(async (agent) => {
    for (;;) {
      const end = await post(port, agent);
      if (end !== 'ok') return end;
      answered++;
    }
  });
  await vi.waitUntil(() => answered > 200);
  const report = await server.graceful.shutdown();
  expect(report).toMatchObject({ outcome: 'graceful', droppedRequests: 0 });
  // They connect anew after the response that says that the connection ends: nobody listens any more.
  expect(await Promise.all(ends)).toEqual(clients.map(() => 'connect ECONNREFUSED'));
  expect(answered).toBe(server.requests.length);
});

function post(port: number, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    const request = httpRequest({ port, host: '127.0.0.1', method: 'POST', agent });
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (data: string) => (text += data));
      response.on('end', () => resolve(text));
      response.on('error', (error) => resolve(error.message));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      resolve([error.syscall, error.code].join(' '));
    });
    request.end();
  });
}

test('every call of shutdown() returns the same promise', async () => {
  const server = await testServer();
  const done = server.graceful.shutdown();
  expect(server.graceful.shutdown()).toBe(done);
  const report = await done;
  expect(await server.graceful.shutdown()).toBe(report);
  expect(await server.graceful.force()).toBe(report);
});

test('a server that has never listened is shut down at once', async () => {
  for (const server of [createServer(), createNetServer()]) {
    await using graceful = gracefulServer(server);
    expect(await graceful.shutdown()).toMatchObject({ outcome: 'graceful', completed: 0 });
  }
});

test('a server that was closed by its own close() is shut down, too', async () => {
  const server = await testServer();
  await new Promise((resolve) => server.server.close(resolve));
  expect(await server.graceful.shutdown()).toMatchObject({ outcome: 'graceful' });
});

test.for([
  ['http', () => createServer()],
  ['https', () => createHttpsServer(SELF_SIGNED)],
  ['h2c', () => createHttp2Server()],
  ['h2', () => createSecureServer({ ...SELF_SIGNED, allowHTTP1: true })],
  ['net', () => createNetServer()],
] as const)(
  'a server says once that it has closed, and is as it was before (%s)',
  async ([, make]) => {
    const server = make();
    const graceful = gracefulServer(server);
    let closes = 0;
    server.on('close', () => closes++);
    await listening(server);
    await graceful.shutdown();
    await vi.waitUntil(() => !Object.hasOwn(server, 'emit'));
    expect(closes).toBe(1);
    await listening(server);
    await new Promise((resolve) => server.close(resolve));
    expect(closes).toBe(2);
  },
);

test('a connection from before gracefulServer() that nobody knows does not outlast the deadline', async () => {
  const server = createNetServer();
  await listening(server);
  const client = await rawClient(portOf(server));
  await vi.waitUntil(
    () => new Promise((resolve) => server.getConnections((_, count) => resolve(count === 1))),
  );
  const graceful = gracefulServer(server, { deadline: 50 });
  expect(await graceful.shutdown()).toMatchObject({ outcome: 'deadline', forcedConnections: 0 });
  client.socket.destroy();
});

test('an await using block shuts the server down', async () => {
  const server = createServer();
  {
    await using graceful = gracefulServer(server);
    await listening(server);
    expect(graceful.draining).toBe(false);
  }
  expect(server.listening).toBe(false);
});

test('readiness turns 503 at once, while requests are still accepted', async () => {
  const server = await testServer({ preStopDelay: LONG, readiness: { path: '/ready' } });
  const before = await rawClient(server.port);
  before.send(get('/ready?from=lb', 'Connection: close\r\n'));
  await before.until(({ hasEnded }) => hasEnded);
  expect(before.text).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\nready\n$/s);
  void server.graceful.shutdown();
  const after = await rawClient(server.port);
  after.send(get('/ready') + get());
  await after.until(({ answers }) => answers === 1);
  expect(after.text).toMatch(/^HTTP\/1\.1 503 .*\r\n\r\nshutting down\n/s);
  // Its requests do not reach the server's listener.
  expect(server.requests).toEqual(['/']);
});

test('the application has its own say in readiness', async () => {
  let ready: () => boolean = () => false;
  const server = await testServer({
    readiness: { path: '/ready', ready: async () => Promise.resolve(ready()) },
  });
  const client = await rawClient(server.port);
  const ask = async (): Promise<string> => {
    client.text = '';
    client.send(get('/ready'));
    await client.until(({ text }) => text.endsWith('ready\n'));
    return client.text.replace(/\r\n[^]*\r\n/, ': ');
  };
  expect(await ask()).toBe('HTTP/1.1 503 Service Unavailable: not ready\n');
  ready = () => {
    throw new Error('no database');
  };
  expect(await ask()).toBe('HTTP/1.1 503 Service Unavailable: not ready\n');
  ready = () => true;
  expect(await ask()).toBe('HTTP/1.1 200 OK: ready\n');
});

test('a time that is no number of milliseconds is refused', () => {
  const server = createServer();
  onTestFinished(() => void server.removeAllListeners());
  for (const options of [
    { idleGrace: -1 },
    { deadline: Number.NaN },
    { preStopDelay: Infinity },
    { linger: { idle: -1 } },
  ]) {
    expect(() => gracefulServer(server, options)).toThrow(RangeError);
  }
  expect(Object.hasOwn(server, 'emit')).toBe(false);
});

test('connections from before gracefulServer() are drained, too', async () => {
  const server = createServer((_request, response) => response.end('ok'));
  await listening(server);
  const client = await rawClient(portOf(server));
  client.send(get());
  await client.until(({ answers }) => answers === 1);
  const graceful = gracefulServer(server, { idleGrace: LONG });
  const done = graceful.shutdown();
  await vi.waitUntil(() => !server.listening);
  client.send(get());
  await client.until(({ hasEnded }) => hasEnded);
  expect(client).toMatchObject({ answers: 2, closeHeaders: 1 });
  client.socket.end();
  expect(await done).toMatchObject({ outcome: 'graceful', completed: 1 });
});
