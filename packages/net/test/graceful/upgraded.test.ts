import { createServer as createHttpServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { gracefulServer } from '../../src/graceful/graceful-server.ts';
import { get, rawClient } from './kit/raw-client.ts';
import { listening, portOf } from './kit/test-server.ts';

const UPGRADE = get('/', 'Connection: Upgrade\r\nUpgrade: echo\r\n');
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n';

test('WebSockets are closed with their own close frame', async () => {
  const server = createHttpServer();
  const sockets = new WebSocketServer({ server });
  const paths: (string | undefined)[] = [];
  const graceful = gracefulServer(server, {
    onUpgraded(_socket, request) {
      paths.push(request?.url);
      for (const client of sockets.clients) client.close(1001, 'shutting down');
    },
  });
  await listening(server);
  const client = new WebSocket(`ws://127.0.0.1:${portOf(server)}/chat`);
  onTestFinished(() => client.terminate());
  const closed = new Promise((resolve) => {
    client.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise((resolve) => client.once('open', resolve));
  expect(await graceful.shutdown()).toMatchObject({
    outcome: 'graceful',
    upgraded: { closed: 1, forced: 0 },
  });
  expect(await closed).toEqual({ code: 1001, reason: 'shutting down' });
  expect(paths).toEqual(['/chat']);
});

test('an upgraded socket that nobody closes is destroyed at the deadline, and counted', async () => {
  const server = createHttpServer();
  server.on('upgrade', (_request, socket) => void socket.write(SWITCHED));
  const graceful = gracefulServer(server, { deadline: 100 });
  await listening(server);
  const client = await rawClient(portOf(server));
  client.send(UPGRADE);
  await client.until(({ text }) => text === SWITCHED);
  expect(await graceful.shutdown()).toMatchObject({
    outcome: 'deadline',
    forcedConnections: 1,
    droppedRequests: 0,
    upgraded: { closed: 0, forced: 1 },
  });
  await client.until(({ isClosed }) => isClosed);
});

test('an upgrade during shutdown is served, and its socket handed over at once', async () => {
  const server = createHttpServer();
  server.on('upgrade', (_request, socket) => void socket.write(SWITCHED));
  const graceful = gracefulServer(server, {
    idleGrace: 60_000,
    onUpgraded: (socket) => socket.end('bye'),
  });
  await listening(server);
  const client = await rawClient(portOf(server));
  const done = graceful.shutdown();
  await vi.waitUntil(() => !server.listening);
  client.send(UPGRADE);
  await client.until(({ hasEnded }) => hasEnded);
  expect(client.text).toBe(`${SWITCHED}bye`);
  client.socket.end();
  expect(await done).toMatchObject({ outcome: 'graceful', upgraded: { closed: 1, forced: 0 } });
});

test('a CONNECT tunnel is the application’s to close', async () => {
  const server = createHttpServer();
  server.on('connect', (_request, socket) => void socket.write('HTTP/1.1 200 OK\r\n\r\n'));
  const graceful = gracefulServer(server, { onUpgraded: (socket) => socket.end('bye') });
  await listening(server);
  const client = await rawClient(portOf(server));
  client.send('CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n');
  await client.until(({ text }) => text.endsWith('\r\n\r\n'));
  const done = graceful.shutdown();
  await client.until(({ text }) => text.endsWith('bye'));
  client.socket.end();
  expect(await done).toMatchObject({ upgraded: { closed: 1, forced: 0 } });
});

test('the sockets of a net server are the application’s to close', async () => {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('data', (data) => socket.write(data));
  });
  const requests: unknown[] = [];
  const graceful = gracefulServer(server, {
    onUpgraded(socket, request) {
      requests.push(request);
      expect(open.has(socket)).toBe(true);
      socket.end('bye');
    },
  });
  await listening(server);
  const client = await rawClient(portOf(server));
  client.send('hello ');
  await client.until(({ text }) => text === 'hello ');
  const done = graceful.shutdown();
  await client.until(({ hasEnded }) => hasEnded);
  expect(client.text).toBe('hello bye');
  client.socket.end();
  expect(await done).toMatchObject({ outcome: 'graceful', upgraded: { closed: 1, forced: 0 } });
  expect(requests).toEqual([undefined]);
});
