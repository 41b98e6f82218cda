import { once } from 'node:events';
import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import net, { type AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import {
  connect,
  ConnectionError,
  ConnectionRefusedError,
  IdleTimeoutError,
  LookupError,
  LookupTimeoutError,
  ReadTimeoutError,
  TlsTimeoutError,
  TotalTimeoutError,
  WriteTimeoutError,
} from '../../src/index.ts';
import { until } from '../../../lastack/test/kit/condition.ts';
import { openPair, THERE } from '../../../lastack/test/kit/netns.ts';
import { orSkip } from '../../../lastack/test/kit/or-skip.ts';
import { readSockets } from '../../../lastack/test/kit/sockets.ts';
import { bundleLibrary, LIBRARY_ENV } from './programs/bundle.ts';
import { openEnds, serve } from './transports.ts';

const derive = promisify(pbkdf2);

/** A server that accepts and does nothing more. */
async function silentServer(): Promise<AsyncDisposable & { port: number; sockets: net.Socket[] }> {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    sockets.push(socket.pause());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const host = '127.0.0.1';

describe('connect()', () => {
  test('names a port where nobody listens', async () => {
    const port = await (async () => {
      await using server = await silentServer();
      return server.port;
    })();
    const error: unknown = await connect({ host, port }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConnectionRefusedError);
    expect(error).toMatchObject({ code: 'ECONNREFUSED', safeToRetry: true });
    await expect(connect({ path: '/nowhere/socket' })).rejects.toThrow(ConnectionRefusedError);
  });

  test('names a host without an address', async () => {
    await expect(connect({ host: 'nowhere.invalid', port: 1 })).rejects.toThrow(LookupError);
  });

  test('rejects with a TLS failure as a connection error, and closes', async () => {
    await using served = await serve('tls');
    const { port } = served.listener;
    const distrusting = connect({ host: 'localhost', port, family: 4, tls: true });
    await expect(distrusting).rejects.toThrow(ConnectionError);
  });

  test('a name that is not resolved in time ends by its own limit', async () => {
    // getaddrinfo(3) waits behind these for a thread of libuv's pool.
    const threads = Array.from({ length: 4 }, () => derive('', '', 400_000, 64, 'sha512'));
    const connecting = connect({ host: 'localhost', port: 1, timeouts: { lookup: 20 } });
    const error: unknown = await connecting.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(LookupTimeoutError);
    expect(error).toMatchObject({ phase: 'lookup', safeToRetry: true });
    await Promise.all(threads);
  });

  test('a handshake that nobody answers ends by the connect limit', async (ctx) => {
    await using pair = await orSkip(ctx, openPair());
    using library = await bundleLibrary();
    await pair.there.obstruct('iifname "veth0" drop');
    const script = `import { connect } from ${JSON.stringify(library.file)};
      const error = await connect({ host: '${THERE.ipv4}', port: 7, timeouts: { connect: 80 } })
        .catch((error) => error);
      console.log(JSON.stringify({ ...error, left: process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')) }));`;
    const args = ['--input-type=module', '--eval', script];
    const { stdout, status } = await pair.here.run(process.execPath, args, { env: LIBRARY_ENV });
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'ConnectTimeoutError',
      phase: 'connect',
      timeoutMs: 80,
    });
    await until(() => readSockets(pair.here).length === 0, 'no SYN-SENT');
  });

  test('a TLS handshake that does not go on ends by its own limit, and destroys the socket', async () => {
    await using server = await silentServer();
    const connecting = connect({ host, port: server.port, tls: true, timeouts: { tls: 50 } });
    await expect(connecting).rejects.toThrow(TlsTimeoutError);
    await expect.poll(() => server.sockets[0]?.resume().destroyed).toBe(true);
  });

  test('total covers every phase', async () => {
    await using server = await silentServer();
    const options = { host, port: server.port, timeouts: { total: 50 } };
    await expect(connect({ ...options, tls: true })).rejects.toThrow(TotalTimeoutError);
    await using socket = await connect({ ...options, close: { deadline: 0 } });
    await expect(socket.read()).rejects.toThrow(TotalTimeoutError);
    expect(socket.raw.destroyed).toBe(true);
  });

  test('a signal cancels, with its reason, before, while and after connecting', async () => {
    await using server = await silentServer();
    const reason = new Error('changed my mind');
    const options = { host, port: server.port };
    const aborted = AbortSignal.abort(reason);
    await expect(connect({ ...options, signal: aborted })).rejects.toBe(reason);
    const whileConnecting = new AbortController();
    const connecting = connect({ ...options, signal: whileConnecting.signal });
    whileConnecting.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    const later = new AbortController();
    const socket = await connect({ ...options, signal: later.signal });
    const read = socket.read();
    later.abort(reason);
    await expect(read).rejects.toBe(reason);
    expect(await socket.close()).toMatchObject({ outcome: 'aborted', error: reason });
  });

  test('rejects a limit that is none', async () => {
    await expect(connect({ host, port: 1, timeouts: { read: 0 } })).rejects.toThrow(RangeError);
    await expect(connect({ host, port: 1, close: { deadline: -1 } })).rejects.toThrow(RangeError);
  });
});

describe.each(['tcp', 'tls', 'unix'] as const)('time-outs over %s', (transport) => {
  test('read: a wait for data, not the time between reads', async () => {
    await using ends = await openEnds(transport, { client: { timeouts: { read: 60 } } });
    await new Promise((resolve) => setTimeout(resolve, 150));
    await ends.server.write('late');
    expect(String(await ends.client.read())).toBe('late');
    const error: unknown = await ends.client.read().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ReadTimeoutError);
    expect(error).toMatchObject({ phase: 'read', timeoutMs: 60, bytesRead: 4, safeToRetry: true });
    await expect(ends.client.write('x')).rejects.toBe(error);
    expect(await ends.client.close()).toMatchObject({ outcome: 'aborted', error });
  });

  test('write: a peer that takes nothing', async () => {
    await using ends = await openEnds(transport, { client: { timeouts: { write: 100 } } });
    const writing = ends.client.write(Buffer.alloc(32 * 1024 * 1024));
    await expect(writing).rejects.toThrow(WriteTimeoutError);
    expect(ends.client.raw.destroyed).toBe(true);
  });

  test('write: a slow peer is no stalled one', async () => {
    await using ends = await openEnds(transport, { client: { timeouts: { write: 400 } } });
    const total = 32 * 1024 * 1024;
    const writing = ends.client.write(Buffer.alloc(total));
    const startedAt = performance.now();
    let arrived = 0;
    while (arrived < total) {
      const chunk = await ends.server.read();
      arrived += chunk?.byteLength ?? total;
      const isDue = arrived / total > (performance.now() - startedAt) / 1_000;
      if (isDue) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await expect(writing).resolves.toBeUndefined();
  });

  test('idle: no traffic in either direction', async () => {
    await using ends = await openEnds(transport, { client: { timeouts: { idle: 60 } } });
    const error: unknown = await ends.client.read().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(IdleTimeoutError);
  });

  test('of a server: read', async () => {
    await using ends = await openEnds(transport, { server: { timeouts: { read: 50 } } });
    await expect(ends.server.read()).rejects.toThrow(ReadTimeoutError);
    // A Unix socket has no RST: its peer reads an end.
    const seen = await ends.client.read().catch((error: unknown) => error);
    expect(seen === null ? 'end' : (seen as Error).name).toBe(
      transport === 'unix' ? 'end' : 'ConnectionResetError',
    );
  });
});

test.each(['read', 'idle'] as const)(
  'a blocked event loop is no %s time-out when the bytes are there',
  async (phase) => {
    await using server = await silentServer();
    const socket = await connect({
      host: '127.0.0.1',
      port: server.port,
      timeouts: { [phase]: 200 },
    });
    await expect.poll(() => server.sockets.length).toBe(1);
    const read = socket.read();
    server.sockets[0]?.write('there');
    const blockedUntil = performance.now() + 500;
    while (performance.now() < blockedUntil);
    expect(String(Buffer.from((await read) ?? []))).toBe('there');
    socket.abort();
  },
);
