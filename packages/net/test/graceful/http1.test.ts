import { createServer, type OutgoingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { onTestFinished, expect, test, vi } from 'vitest';
import { gracefulServer } from '../../src/graceful/graceful-server.ts';
import { get, rawClient } from './kit/raw-client.ts';
import { listening, portOf, testServer } from './kit/test-server.ts';

/** Never reached in a test that passes. */
const LONG = 60_000;

test.for(['tcp', 'tls'] as const)(
  'a request in flight is answered, and told that the connection ends (%s)',
  async (protocol) => {
    const server = await testServer({}, protocol);
    const client = await rawClient(server.port, protocol);
    client.send(get('/held'));
    await server.holds(1);
    const done = server.graceful.shutdown();
    expect(server.graceful.draining).toBe(true);
    await vi.waitUntil(() => !server.server.listening);
    server.letGo();
    await client.until(({ hasEnded }) => hasEnded);
    expect(client).toMatchObject({ answers: 1, closeHeaders: 1 });
    client.socket.end();
    expect(await done).toMatchObject({
      outcome: 'graceful',
      completed: 1,
      droppedRequests: 0,
      abortedRequests: 0,
      forcedConnections: 0,
    });
  },
);

test('of pipelined requests all are answered, and only the last says that the connection ends', async () => {
  const server = await testServer();
  const client = await rawClient(server.port);
  client.send(get('/held') + get('/held') + get('/held'));
  await server.holds(3);
  const done = server.graceful.shutdown();
  await vi.waitUntil(() => !server.server.listening);
  server.letGo();
  await client.until(({ hasEnded }) => hasEnded);
  expect(client).toMatchObject({ answers: 3, closeHeaders: 1 });
  expect(client.text).toMatch(/connection: close\r\n(?:.+\r\n)*\r\nok$/i);
  client.socket.end();
  expect(await done).toMatchObject({ completed: 3, droppedRequests: 0 });
});

test('pipelined requests that come during shutdown are all answered, though their handler answers at once', async () => {
  const server = await testServer({ idleGrace: LONG });
  const client = await rawClient(server.port);
  const done = server.graceful.shutdown();
  await vi.waitUntil(() => !server.server.listening);
  client.send(get() + get() + get());
  await client.until(({ hasEnded }) => hasEnded);
  expect(client).toMatchObject({ answers: 3, closeHeaders: 1 });
  client.socket.end();
  expect(await done).toMatchObject({ completed: 3, droppedRequests: 0 });
});

test('an idle connection is used once more within idleGrace, and ends with that response', async () => {
  const server = await testServer({ idleGrace: LONG });
  const client = await rawClient(server.port);
  client.send(get());
  await client.until(({ answers }) => answers === 1);
  const done = server.graceful.shutdown();
  await vi.waitUntil(() => !server.server.listening);
  client.send(get());
  await client.until(({ hasEnded }) => hasEnded);
  expect(client).toMatchObject({ answers: 2, closeHeaders: 1 });
  client.socket.end();
  expect(await done).toMatchObject({ outcome: 'graceful', completed: 1, droppedRequests: 0 });
});

test.for(['tcp', 'tls'] as const)(
  'idle connections, used and speculative, end with a FIN after idleGrace (%s)',
  async (protocol) => {
    const server = await testServer({ idleGrace: 50 }, protocol);
    const used = await rawClient(server.port, protocol);
    used.send(get());
    await used.until(({ answers }) => answers === 1);
    const speculative = await rawClient(server.port, protocol);
    const done = server.graceful.shutdown();
    for (const client of [used, speculative]) {
      await client.until(({ hasEnded }) => hasEnded);
      client.socket.end();
      await client.until(({ isClosed }) => isClosed);
      expect(client.error).toBeUndefined();
    }
    expect(await done).toMatchObject({
      outcome: 'graceful',
      droppedRequests: 0,
      forcedConnections: 0,
    });
  },
);

test('during shutdown idleGrace counts, not the keep-alive time-out of Node', async () => {
  const server = await testServer({ idleGrace: LONG });
  const sockets: Socket[] = [];
  server.server.on('connection', (socket) => sockets.push(socket));
  const client = await rawClient(server.port);
  client.send(get());
  await client.until(({ answers }) => answers === 1);
  expect(sockets[0]?.timeout).toBeGreaterThan(0);
  const done = server.graceful.shutdown();
  await vi.waitUntil(() => !server.server.listening);
  expect(sockets[0]?.timeout).toBe(0);
  client.socket.end();
  expect(await done).toMatchObject({ outcome: 'graceful' });
});

test('a TCP connection that never begins its TLS handshake ends after idleGrace', async () => {
  const server = await testServer({ idleGrace: 50 }, 'tls');
  const client = await rawClient(server.port, 'tcp');
  await vi.waitUntil(
    () =>
      new Promise((resolve) => server.server.getConnections((_, count) => resolve(count === 1))),
  );
  expect(await server.graceful.shutdown()).toMatchObject({ outcome: 'graceful' });
  await client.until(({ hasEnded }) => hasEnded);
  client.socket.destroy();
});

test.for(['tcp', 'tls'] as const)(
  'a request that comes after the FIN is not processed and counts as dropped (%s)',
  async (protocol) => {
    const server = await testServer({ idleGrace: 1 }, protocol);
    const client = await rawClient(server.port, protocol);
    const done = server.graceful.shutdown();
    await client.until(({ hasEnded }) => hasEnded);
    client.socket.end(get());
    expect(await done).toMatchObject({ outcome: 'graceful', droppedRequests: 1 });
    expect(server.requests).toEqual([]);
  },
);

test('the start of a request after the FIN counts as dropped, too', async () => {
  const server = await testServer({ idleGrace: 1 });
  const client = await rawClient(server.port);
  const done = server.graceful.shutdown();
  await client.until(({ hasEnded }) => hasEnded);
  client.socket.end('GET / HT');
  expect(await done).toMatchObject({ droppedRequests: 1 });
});

test('a request behind a response that has announced the end is not processed and counts as dropped', async () => {
  const server = await testServer({ idleGrace: LONG });
  const client = await rawClient(server.port);
  client.send(get('/held'));
  await server.holds(1);
  const done = server.graceful.shutdown();
  await vi.waitUntil(() => !server.server.listening);
  server.letGo();
  await client.until(({ hasEnded }) => hasEnded);
  client.socket.end(get('/late'));
  expect(await done).toMatchObject({ completed: 1, droppedRequests: 1 });
  expect(server.requests).toEqual(['/held']);
});

test('an upgrade behind a response that has announced the end is not processed and counts as dropped', async () => {
  const server = await testServer({ idleGrace: LONG });
  server.server.on('upgrade', () => server.requests.push('upgraded'));
  const client = await rawClient(server.port);
  client.send(get('/held'));
  await server.holds(1);
  const done = server.graceful.shutdown();
  await vi.waitUntil(() => !server.server.listening);
  server.letGo();
  await client.until(({ hasEnded }) => hasEnded);
  client.socket.end(get('/late', 'Connection: Upgrade\r\nUpgrade: echo\r\n'));
  expect(await done).toMatchObject({ outcome: 'graceful', completed: 1, droppedRequests: 1 });
  expect(server.requests).toEqual(['/held']);
});

test('a request that waits in the kernel while idleGrace runs out on a busy server is answered', async () => {
  const server = await testServer({ idleGrace: 300 });
  const client = await rawClient(server.port);
  const done = server.graceful.shutdown();
  await vi.waitUntil(() => !server.server.listening, { interval: 1 });
  client.send(get());
  const busyUntil = performance.now() + 500;
  while (performance.now() < busyUntil) Math.random();
  await client.until(({ hasEnded }) => hasEnded);
  expect(client).toMatchObject({ answers: 1, closeHeaders: 1 });
  client.socket.end();
  expect(await done).toMatchObject({ completed: 1, droppedRequests: 0 });
});

test('a request whose head is half sent when shutdown begins is answered', async () => {
  const server = await testServer({ idleGrace: LONG });
  const client = await rawClient(server.port);
  client.send('GET / HTTP/1.1\r\nHo');
  const done = server.graceful.shutdown();
  await vi.waitUntil(() => !server.server.listening);
  client.send('st: localhost\r\n\r\n');
  await client.until(({ hasEnded }) => hasEnded);
  expect(client).toMatchObject({ answers: 1, closeHeaders: 1 });
  client.socket.end();
  expect(await done).toMatchObject({ completed: 1, droppedRequests: 0 });
});

test('a request whose head never ends is dropped after idleGrace, and counted', async () => {
  const server = await testServer({ idleGrace: 50 });
  const client = await rawClient(server.port);
  const done = server.graceful.shutdown();
  client.send('GET / HTTP/1.1\r\nHo');
  await client.until(({ hasEnded }) => hasEnded);
  client.socket.end();
  expect(await done).toMatchObject({ outcome: 'graceful', completed: 0, droppedRequests: 1 });
});

test('an upload in progress runs to its end, longer than idleGrace', async () => {
  const server = createServer((request, response) => {
    let bytes = 0;
    request.on('data', (data: Buffer) => (bytes += data.length));
    request.on('end', () => response.end(String(bytes)));
  });
  const graceful = gracefulServer(server, { idleGrace: 1 });
  await listening(server);
  const client = await rawClient(portOf(server));
  client.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300\r\n\r\n');
  for (let part = 0; part < 3; part++) {
    const sent = client.socket.bytesWritten;
    client.send('x'.repeat(100));
    if (part === 0) await vi.waitUntil(() => client.socket.bytesWritten > sent);
    if (part === 1) void graceful.shutdown();
  }
  await client.until(({ hasEnded }) => hasEnded);
  expect(client.text).toMatch(/^HTTP\/1\.1 200[^]*\r\n\r\n300$/);
  client.socket.end();
  expect(await graceful.shutdown()).toMatchObject({ completed: 1, droppedRequests: 0 });
});

test('a response whose head was sent before shutdown is completed, and its connection ends after idleGrace', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Length': 2 });
    response.write('o');
    server.once('go on', () => response.end('k'));
  });
  const graceful = gracefulServer(server, { idleGrace: 50 });
  await listening(server);
  const client = await rawClient(portOf(server));
  client.send(get());
  await client.until(({ text }) => text.endsWith('\r\n\r\no'));
  const done = graceful.shutdown();
  await vi.waitUntil(() => !server.listening);
  server.emit('go on');
  await client.until(({ hasEnded }) => hasEnded);
  expect(client).toMatchObject({ answers: 1, closeHeaders: 0 });
  client.socket.end();
  expect(await done).toMatchObject({ outcome: 'graceful', completed: 1, droppedRequests: 0 });
});

test.for([
  ['as an object', { Connection: 'keep-alive', 'Content-Length': 2 }],
  ['as an array', ['connection', 'keep-alive', 'Content-Length', '2']],
] as const)(
  'a handler that says keep-alive itself is overruled: header fields %s',
  async ([, headers]) => {
    const server = createServer((_request, response) => {
      response.writeHead(200, headers as OutgoingHttpHeaders);
      response.end('ok');
    });
    const graceful = gracefulServer(server, { idleGrace: LONG });
    await listening(server);
    const client = await rawClient(portOf(server));
    const done = graceful.shutdown();
    await vi.waitUntil(() => !server.listening);
    client.send(get());
    await client.until(({ hasEnded }) => hasEnded);
    expect(client).toMatchObject({ answers: 1, closeHeaders: 1 });
    expect(client.text).not.toMatch(/keep-alive/i);
    client.socket.end();
    await done;
  },
);

test('a request that expects 100-continue is served during shutdown', async () => {
  const server = await testServer({ idleGrace: LONG });
  const client = await rawClient(server.port);
  const done = server.graceful.shutdown();
  await vi.waitUntil(() => !server.server.listening);
  client.send(get('/', 'Expect: 100-continue\r\nContent-Length: 2\r\n'));
  await client.until(({ text }) => text.includes('100 Continue'));
  client.send('hi');
  await client.until(({ hasEnded }) => hasEnded);
  expect(client).toMatchObject({ answers: 1, closeHeaders: 1 });
  client.socket.end();
  expect(await done).toMatchObject({ completed: 1, droppedRequests: 0 });
});

test('what is in flight at the deadline is reset, and counted', async () => {
  const server = await testServer({ deadline: 100 });
  const client = await rawClient(server.port);
  client.send(get('/held'));
  await server.holds(1);
  expect(await server.graceful.shutdown()).toMatchObject({
    outcome: 'deadline',
    completed: 0,
    abortedRequests: 1,
    forcedConnections: 1,
  });
  await client.until(({ isClosed }) => isClosed);
  expect(client.error).toBe('ECONNRESET');
});

test('force() ends a shutdown that waits', async () => {
  const server = await testServer({ deadline: LONG, preStopDelay: LONG });
  const client = await rawClient(server.port);
  client.send(get('/held'));
  await server.holds(1);
  const done = server.graceful.shutdown();
  expect(server.graceful.force()).toBe(done);
  expect(await done).toMatchObject({
    outcome: 'forced',
    abortedRequests: 1,
    forcedConnections: 1,
  });
  await client.until(({ isClosed }) => isClosed);
});

test('connections that wait for an accept when shutdown begins are served', async () => {
  const server = await testServer({ idleGrace: LONG });
  const sockets = Array.from({ length: 50 }, () => connect(server.port, '127.0.0.1'));
  onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
  // One turn later the kernel has connected them, and the server has not accepted most of them.
  const connected = sockets.map(
    (socket) => new Promise((resolve) => socket.once('connect', resolve)),
  );
  await Promise.race(connected);
  const done = server.graceful.shutdown();
  for (const socket of sockets) socket.write(get());
  const answers = sockets.map(
    (socket) =>
      new Promise((resolve, reject) => {
        socket.once('data', resolve);
        socket.once('error', reject);
      }),
  );
  await Promise.all(answers);
  for (const socket of sockets) socket.end();
  expect(await done).toMatchObject({ completed: 50, droppedRequests: 0 });
});
