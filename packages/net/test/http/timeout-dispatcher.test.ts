import { once } from 'node:events';
import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

import {
  Agent,
  fetch,
  getGlobalDispatcher,
  interceptors,
  request,
  setGlobalDispatcher,
} from 'undici';
import { describe, expect, test } from 'vitest';

import {
  ConnectionRefusedError,
  HeadersTimeoutError,
  PoolTimeoutError,
  ReadTimeoutError,
  TimeoutError,
  TotalTimeoutError,
  WriteTimeoutError,
} from '../../src/index.ts';
import { timeoutDispatcher } from '../../src/undici.ts';
import { untilSocketsTowards } from './open-sockets.ts';
import { StallingServer } from './stalling-server.ts';

const caught = (error: unknown): unknown => error;

async function serve(listener: RequestListener): Promise<AsyncDisposable & { url: string }> {
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('timeoutDispatcher() with options', () => {
  test('total covers the body to its last byte', async () => {
    await using server = await StallingServer.start('drips-body');
    const dispatcher = timeoutDispatcher({}, { total: 300, read: 10_000 });
    const { body } = await request(server.url, { dispatcher });
    await expect(body.text()).rejects.toBeInstanceOf(TotalTimeoutError);
    await dispatcher.destroy();
  });

  test('ends the wait for a connection of the pool, which nothing was written on', async () => {
    await using server = await StallingServer.start('never-answers');
    const dispatcher = timeoutDispatcher({ connections: 1 }, { pool: 100, total: 1000 });
    const first = request(server.url, { dispatcher }).catch(caught);
    const second = await request(server.url, { dispatcher }).catch(caught);
    expect(second).toBeInstanceOf(PoolTimeoutError);
    expect(second).toMatchObject({ bytesWritten: 0, safeToRetry: true });
    expect(await first).toBeInstanceOf(TotalTimeoutError);
    await dispatcher.destroy();
  });

  test('the pool serves the next after one that was given up in it', async () => {
    let answer: (() => void) | undefined;
    await using server = await serve((incoming, outgoing) => {
      if (incoming.url === '/late') answer = () => outgoing.end('late');
      else outgoing.end('ok');
    });
    const dispatcher = timeoutDispatcher({ connections: 1 }, { pool: 100 });
    const late = request(`${server.url}late`, { dispatcher }).then(({ body }) => body.text());
    const given = await request(server.url, { dispatcher }).catch(caught);
    expect(given).toBeInstanceOf(PoolTimeoutError);
    answer?.();
    expect(await late).toBe('late');
    const { body } = await request(server.url, { dispatcher });
    expect(await body.text()).toBe('ok');
    await dispatcher.destroy();
  });

  test('says who refused the connection', async () => {
    const server = await StallingServer.start('answers');
    const { port, url } = server;
    await server[Symbol.asyncDispose]();
    const dispatcher = timeoutDispatcher({}, { connect: 10_000 });
    const error = await fetch(url, { dispatcher }).catch(caught);
    const { cause } = error as Error;
    expect(cause).toBeInstanceOf(ConnectionRefusedError);
    expect(cause).toMatchObject({ code: 'ECONNREFUSED', safeToRetry: true });
    expect((cause as Error).message).toContain(`127.0.0.1:${port}`);
    await dispatcher.destroy();
  });

  test('counts what the kernel took of an upload that nobody reads', async () => {
    await using server = await StallingServer.start('never-reads');
    const dispatcher = timeoutDispatcher({}, { write: 100 });
    const body = Buffer.alloc(32 << 20);
    const error = await request(server.url, { dispatcher, method: 'POST', body }).catch(caught);
    expect(error).toBeInstanceOf(WriteTimeoutError);
    expect((error as WriteTimeoutError).bytesWritten).toBeGreaterThan(0);
    expect((error as WriteTimeoutError).bytesWritten).toBeLessThan(body.length);
    await dispatcher.destroy();
  });

  test('does not blame the peer for a reader that is slow', async () => {
    await using server = await serve((_, outgoing) => outgoing.end(Buffer.alloc(8 << 20)));
    const dispatcher = timeoutDispatcher({}, { read: 100 });
    const { body } = await request(server.url, { dispatcher });
    let length = 0;
    for await (const chunk of body) {
      if (length === 0) await new Promise((resolve) => setTimeout(resolve, 400));
      length += (chunk as Buffer).length;
    }
    expect(length).toBe(8 << 20);
    await dispatcher.destroy();
  });

  test('uses a connection again', async () => {
    const ports = new Set<number | undefined>();
    await using server = await serve((incoming, outgoing) => {
      ports.add(incoming.socket.remotePort);
      outgoing.end('ok');
    });
    const dispatcher = timeoutDispatcher({ connections: 1 }, { total: 10_000 });
    for (let i = 0; i < 3; i++) {
      const { body } = await request(server.url, { dispatcher });
      expect(await body.text()).toBe('ok');
    }
    expect(ports.size).toBe(1);
    await dispatcher.close();
  });

  test('bounds each hop through the interceptors of undici', async () => {
    await using server = await serve((incoming, outgoing) => {
      if (incoming.url === '/stuck') return;
      outgoing.writeHead(302, { location: '/stuck' }).end();
    });
    const dispatcher = timeoutDispatcher({}, { headers: 100 });
    const redirecting = dispatcher.compose(interceptors.redirect({ maxRedirections: 2 }));
    const error = await request(server.url, { dispatcher: redirecting }).catch(caught);
    expect(error).toBeInstanceOf(HeadersTimeoutError);
    await dispatcher.destroy();
  });

  test('takes no function that connects, since it could not look into it', () => {
    const connect = (() => {}) as never;
    expect(() => timeoutDispatcher({ connect }, { total: 1 })).toThrow(TypeError);
  });
});

describe('timeoutDispatcher() around a dispatcher', () => {
  test('bounds the silence between two chunks, and fetch names it as the cause', async () => {
    await using server = await StallingServer.start('stalls-body');
    const inner = new Agent();
    const dispatcher = timeoutDispatcher(inner, { total: 10_000, read: 200 });
    const response = await fetch(server.url, { dispatcher });
    const error = await response.text().catch(caught);
    expect(error).toMatchObject({ cause: expect.any(ReadTimeoutError) });
    expect(((error as Error).cause as TimeoutError).bytesWritten).toBeGreaterThan(0);
    expect(((error as Error).cause as TimeoutError).bytesRead).toBeGreaterThan(0);
    await untilSocketsTowards(server.port, 0);
    await dispatcher.destroy();
  });

  test('total covers redirects, too', async () => {
    let hops = 0;
    await using server = await serve((_, outgoing) => {
      hops++;
      setTimeout(() => outgoing.writeHead(302, { location: `/${hops}` }).end(), 20);
    });
    const inner = new Agent();
    const redirecting = inner.compose(interceptors.redirect({ maxRedirections: 10_000 }));
    const dispatcher = timeoutDispatcher(redirecting, { total: 300, headers: 10_000 });
    const error = await request(server.url, { dispatcher }).catch(caught);
    expect(error).toBeInstanceOf(TotalTimeoutError);
    expect(hops).toBeGreaterThan(1);
    await inner.destroy();
  });

  test('refuses limits that it could not keep', () => {
    const inner = new Agent();
    expect(() => timeoutDispatcher(inner, { connect: 100 })).toThrow('options of the Agent');
  });
});

describe('setGlobalDispatcher()', () => {
  test("sets the limits of undici's fetch and of Node's", async () => {
    await using server = await StallingServer.start('never-answers');
    const before = getGlobalDispatcher();
    const dispatcher = timeoutDispatcher({}, { headers: 100, total: 20_000 });
    setGlobalDispatcher(dispatcher);
    try {
      const errors = await Promise.all([
        fetch(server.url).catch(caught),
        globalThis.fetch(server.url).catch(caught),
      ]);
      for (const error of errors) {
        expect((error as Error).cause).toBeInstanceOf(HeadersTimeoutError);
      }
    } finally {
      setGlobalDispatcher(before);
      await dispatcher.destroy();
    }
  });
});
