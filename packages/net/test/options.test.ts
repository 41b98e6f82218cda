import { createServer } from 'node:http';
import net from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  closeGracefully,
  connect,
  gracefulServer,
  listen,
  Listener,
  ReadTimeoutError,
  SafeSocket,
  SocketClosedError,
} from '../src/index.ts';

/** Options as a program without types gives them. */
const wrong = (value: unknown): never => value as never;

describe('gracefulServer() refuses', () => {
  test.each<[string, unknown]>([
    ['signals', { signals: 'SIGTERM' }],
    ['signals', { signals: ['NOPE'] }],
    ['signals', { signals: ['SIGKILL'] }],
    ['readiness', { readiness: '/x' }],
    ['readiness.path', { readiness: {} }],
    ['idelGrace', { idelGrace: 5 }],
    ['onShutdown', { onShutdown: 5 }],
    ['linger', { linger: 5 }],
    ['dedline', { linger: { dedline: 5 } }],
    ['options', 5],
  ])('a wrong option and names it: %s of %o', (name, options) => {
    const server = createServer();
    expect(() => gracefulServer(server, wrong(options))).toThrow(TypeError);
    expect(() => gracefulServer(server, wrong(options))).toThrow(name);
    // Nothing was changed.
    gracefulServer(server);
  });

  test('what is no server', () => {
    expect(() => gracefulServer(wrong(undefined))).toThrow('not undefined');
  });

  test('a server that has one, until that has stopped', async () => {
    const server = createServer().listen(0);
    const first = gracefulServer(server);
    expect(() => gracefulServer(server)).toThrow('has one already');
    await first.shutdown();
    server.listen(0);
    await gracefulServer(server).shutdown();
    expect(gracefulServer(server).draining).toBe(false);
  });
});

describe('closeGracefully() refuses', () => {
  test.each([undefined, {}])('what is no socket: %o', (socket) => {
    expect(() => closeGracefully(wrong(socket))).toThrow('must be a net.Socket');
  });

  test.each([{ dedline: 5 }, 5])('wrong options: %o', (options) => {
    const socket = new net.Socket();
    onTestFinished(() => void socket.destroy());
    expect(() => closeGracefully(socket, wrong(options))).toThrow(/dedline|options/);
  });
});

test.each<[string, unknown]>([
  ['options must have host and port', undefined],
  ['host must be a name or an address', { port: 1 }],
  ['host must be a name or an address', { host: '', port: 1 }],
  ['write it without brackets', { host: '[::1]', port: 1 }],
  ['port must be 1 to 65535', { host: '::1', port: 0 }],
  ['path must be the file of a socket', { path: '' }],
  ['close must be an object', { host: '::1', port: 1, close: 5 }],
  ['dedline', { host: '::1', port: 1, close: { dedline: 5 } }],
])('connect() says what is wrong: %s', async (message, options) => {
  await expect(connect(wrong(options))).rejects.toThrow(message);
});

test.each<[string, unknown]>([
  ['maxConnections', { maxConnections: 'a' }],
  ['maxWaiting', { maxWaiting: Number.NaN }],
  ['maxWating', { maxWating: 1 }],
])('listen() says what is wrong: %s', async (name, options) => {
  await expect(listen(wrong(options))).rejects.toThrow(name);
});

test('the classes are there for instanceof, and make nothing by themselves', async () => {
  await using listener = await listen({ host: '127.0.0.1' }, () => {});
  await using socket = await connect({ host: '127.0.0.1', port: listener.port });
  expect(listener).toBeInstanceOf(Listener);
  expect(socket).toBeInstanceOf(SafeSocket);
  expect(() => new SafeSocket(wrong(undefined), {})).toThrow('is made by connect() or listen()');
  expect(() => new Listener(wrong(undefined), {})).toThrow('is made by listen()');
});

test('a read that abort() ends has its reason as cause', async () => {
  await using listener = await listen({ host: '127.0.0.1' });
  const socket = await connect({ host: '127.0.0.1', port: listener.port });
  const read = socket.read();
  const why = new Error('why');
  socket.abort(why);
  const error: unknown = await read.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SocketClosedError);
  expect((error as Error).cause).toBe(why);
  await listener.abort();
});

test('a read time-out says that no byte came', () => {
  const facts = { timeoutMs: 200, elapsedMs: 200, bytesWritten: 0, bytesRead: 0, target: 'a:1' };
  expect(new ReadTimeoutError(facts).message).toContain('no byte for 200 ms');
});
