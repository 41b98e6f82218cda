import { getEventListeners, once } from 'node:events';
import http, { type RequestListener } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import {
  ConnectionError,
  ConnectionRefusedError,
  ConnectionResetError,
  HttpTimeoutAgent,
  IdleTimeoutError,
  LookupError,
  PoolTimeoutError,
  request,
  TimeoutError,
  TotalTimeoutError,
  WriteTimeoutError,
} from '../../src/index.ts';
import { untilSocketsTowards } from './open-sockets.ts';
import { StallingServer } from './stalling-server.ts';

interface Served extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

async function serve(listener: RequestListener): Promise<Served> {
  const server = http.createServer({ keepAliveTimeout: 60_000 }, listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function portOfNobody(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function* pieces(): AsyncGenerator<string> {
  for (const piece of ['one ', 'two ', 'three']) {
    await turn();
    yield piece;
  }
}

const echo: RequestListener = (incoming, outgoing) => {
  outgoing.writeHead(201, { 'x-method': incoming.method });
  incoming.pipe(outgoing);
};

describe('request()', () => {
  test('gives status, headers and body', async () => {
    await using server = await serve(echo);
    const response = await request(server.url, { method: 'PUT', body: '{"a":1}' });
    expect(response.status).toBe(201);
    expect(response.headers['x-method']).toBe('PUT');
    expect(await response.json()).toEqual({ a: 1 });
  });

  test('sends an iterable piece by piece', async () => {
    await using server = await serve(echo);
    const response = await request(server.url, { method: 'POST', body: pieces() });
    expect(await response.text()).toBe('one two three');
  });

  test('ends with the error of a body that fails, and destroys the socket', async () => {
    await using server = await serve(echo);
    const broken = (async function* () {
      yield 'one';
      await turn();
      throw new RangeError('no more');
    })();
    const sent = request(server.url, { method: 'POST', body: broken }).then((response) =>
      response.text(),
    );
    await expect(sent).rejects.toThrow('no more');
    await untilSocketsTowards(server.port, 0);
  });

  test('says who refused the connection, and that it is safe to try again', async () => {
    const port = await portOfNobody();
    const error = await request(`http://127.0.0.1:${port}/`).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConnectionRefusedError);
    expect(error).toMatchObject({ code: 'ECONNREFUSED', safeToRetry: true });
    expect((error as Error).message).toContain(`127.0.0.1:${port}`);
    expect((error as Error).cause).toMatchObject({ syscall: 'connect' });
  });

  test('says when a name has no address', async () => {
    const lookup = ((_: string, __: object, callback: (error: Error) => void) =>
      callback(
        Object.assign(new Error('no'), { code: 'ENOTFOUND', syscall: 'getaddrinfo' }),
      )) as unknown as net.LookupFunction;
    const error = await request('http://nowhere.test/', { lookup }).catch(
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(LookupError);
  });

  test('says that the peer reset the connection, and that something had been written', async () => {
    await using server = await serve((incoming) => {
      incoming.socket.resetAndDestroy();
    });
    const error = await request(server.url).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConnectionResetError);
    expect(error).toMatchObject({ safeToRetry: false });
  });

  test('says that the peer closed before it answered', async () => {
    await using server = await serve((incoming) => incoming.socket.end());
    const error = await request(server.url).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ code: 'ECONNRESET', safeToRetry: false });
    expect((error as Error).message).toContain(
      `127.0.0.1:${server.port} closed the connection before`,
    );
  });

  test('says that the peer closed in the middle of the body', async () => {
    await using server = await serve((incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-length': 10 });
      outgoing.write('abc', () => incoming.socket.end());
    });
    const response = await request(server.url);
    await expect(response.text()).rejects.toBeInstanceOf(ConnectionError);
  });

  test('says that the peer reset the connection in the middle of the body', async () => {
    let reset: (() => void) | undefined;
    await using server = await serve((incoming, outgoing) => {
      reset = () => incoming.socket.resetAndDestroy();
      outgoing.writeHead(200, { 'content-length': 10 });
      outgoing.write('abc');
    });
    const { body } = await request(server.url);
    const chunks = body[Symbol.asyncIterator]();
    await chunks.next();
    // Not before: of bytes and a RST that arrive together libuv makes an end of the stream.
    reset?.();
    const error = await chunks.next().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConnectionResetError);
    expect((error as Error).message).toContain(`127.0.0.1:${server.port} reset the connection`);
  });

  test('listens once to the signal of many exchanges, and not at all when they have ended', async () => {
    await using server = await serve((_, outgoing) => outgoing.end('ok'));
    await using stuck = await StallingServer.start('never-answers');
    const controller = new AbortController();
    const { signal } = controller;
    const all = Array.from({ length: 12 }, () => request(server.url, { signal }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    await Promise.all(all.map(async (each) => (await each).text()));
    await expect
      .poll(() => getEventListeners(signal, 'abort'), { timeout: 20_000 })
      .toHaveLength(0);
    const ended = Array.from({ length: 12 }, () => request(stuck.url, { signal }));
    controller.abort(new Error('enough'));
    for (const each of ended) await expect(each).rejects.toThrow('enough');
    await untilSocketsTowards(stuck.port, 0);
  });

  test('counts the bytes that the kernel took of an upload that nobody reads', async () => {
    await using server = await StallingServer.start('never-reads');
    const body = new Uint8Array(32 << 20);
    const error = await request(server.url, {
      method: 'POST',
      body,
      timeouts: { write: 100 },
    }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(WriteTimeoutError);
    const { bytesWritten, safeToRetry } = error as WriteTimeoutError;
    expect(bytesWritten).toBeGreaterThan(0);
    expect(bytesWritten).toBeLessThan(body.length);
    expect(safeToRetry).toBe(false);
  });

  test('does not end an upload whose source is slow', async () => {
    await using server = await serve(echo);
    const slow = (async function* () {
      yield 'one';
      await new Promise((resolve) => setTimeout(resolve, 300));
      yield 'two';
    })();
    const timeouts = { write: 100, headers: 100, read: 100 };
    // The echo answers at once; here the head may wait for the end.
    await using late = await serve((incoming, outgoing) => {
      incoming.resume();
      incoming.on('end', () => outgoing.end('done'));
    });
    const response = await request(late.url, { method: 'POST', body: slow, timeouts });
    expect(await response.text()).toBe('done');
    expect(server.port).toBeGreaterThan(0);
  });

  test('does not blame the peer for a reader that is slow', async () => {
    await using server = await serve((_, outgoing) => outgoing.end(Buffer.alloc(8 << 20)));
    const response = await request(server.url, { timeouts: { read: 100 } });
    const iterator = response.body[Symbol.asyncIterator]();
    const first = await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 400));
    let length = (first.value as Uint8Array).length;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      length += next.value.length;
    }
    expect(length).toBe(8 << 20);
  });

  test.each(['bytes', 'text', 'json'] as const)('reads a body once: %s()', async (method) => {
    await using server = await serve((_, outgoing) => outgoing.end('{}'));
    const response = await request(server.url);
    await response.json();
    await expect(response[method]()).rejects.toThrow(
      new TypeError('body already read: keep what the first reading gave'),
    );
  });

  test('read does not end a body that nobody reads', async () => {
    await using server = await serve((_, outgoing) => outgoing.end(Buffer.alloc(8 << 20)));
    const response = await request(server.url, { timeouts: { read: 50, total: 500 } });
    await untilSocketsTowards(server.port, 0);
    await expect(response.bytes()).rejects.toBeInstanceOf(TotalTimeoutError);
  });

  test('does not hold a connection for a body that nobody reads', async () => {
    await using server = await serve((_, outgoing) => outgoing.end(Buffer.alloc(8 << 20)));
    const response = await request(server.url, { timeouts: { idle: 100 } });
    await untilSocketsTowards(server.port, 0);
    await expect(response.bytes()).rejects.toBeInstanceOf(IdleTimeoutError);
  });

  test('lets go of the connection when the response is disposed of', async () => {
    await using server = await StallingServer.start('drips-body');
    {
      await using response = await request(server.url);
      expect(response.status).toBe(200);
    }
    await untilSocketsTowards(server.port, 0);
  });

  test('lets go of the connection when the reader stops early', async () => {
    await using server = await StallingServer.start('drips-body');
    const response = await request(server.url);
    for await (const chunk of response.body) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await untilSocketsTowards(server.port, 0);
  });

  test.each(['never-answers', 'drips-body'] as const)(
    'ends with the reason of the signal: %s',
    async (stall) => {
      await using server = await StallingServer.start(stall);
      const controller = new AbortController();
      const reason = new Error('enough');
      const text = request(server.url, { signal: controller.signal }).then((response) =>
        response.text(),
      );
      await untilSocketsTowards(server.port, 1);
      controller.abort(reason);
      await expect(text).rejects.toBe(reason);
      await untilSocketsTowards(server.port, 0);
    },
  );

  test('uses a connection again, and counts the bytes of each exchange alone', async () => {
    const ports = new Set<number | undefined>();
    await using server = await serve((incoming, outgoing) => {
      ports.add(incoming.socket.remotePort);
      if (incoming.url === '/') incoming.pipe(outgoing);
    });
    const agent = new HttpTimeoutAgent({ timeouts: {} });
    const body = 'x'.repeat(100_000);
    const options = { agent, timeouts: { headers: 100 } };
    await (await request(server.url, { ...options, method: 'POST', body })).bytes();
    const error = await request(`${server.url}stuck`, options).catch((error: unknown) => error);
    expect(ports.size).toBe(1);
    expect((error as TimeoutError).bytesWritten).toBeGreaterThan(0);
    expect((error as TimeoutError).bytesWritten).toBeLessThan(1000);
    expect((error as TimeoutError).bytesRead).toBe(0);
    agent.destroy();
  });

  test('speaks of what it cannot do', async () => {
    const agent = new http.Agent() as HttpTimeoutAgent;
    await expect(request('http://x/', { agent })).rejects.toThrow(
      'agent must be an HttpTimeoutAgent',
    );
    const headers = new Headers() as unknown as http.OutgoingHttpHeaders;
    await expect(request('http://x/', { headers })).rejects.toThrow('headers must be an object');
    await expect(request('ftp://example.org/')).rejects.toThrow('not ftp:');
    await expect(request('http://x/', { timeouts: { total: 0 } })).rejects.toBeInstanceOf(
      RangeError,
    );
  });
});

describe('a body of request()', () => {
  const kinds = {
    'a string': { body: () => 'GET /smuggled ✓', framing: ['content-length', '17'] },
    bytes: { body: () => Buffer.from('GET /smuggled'), framing: ['content-length', '13'] },
    'an iterable': { body: () => pieces(), framing: ['transfer-encoding', 'chunked'] },
  } as const;
  const methods = [undefined, 'GET', 'DELETE', 'HEAD', 'OPTIONS', 'POST', 'delete'];
  const cases = Object.entries(kinds).flatMap(([kind, { body, framing }]) =>
    methods.map((method) => ({ kind, method, body, framing })),
  );

  test.each(cases)('says where it ends: $kind, $method', async ({ method, body, framing }) => {
    const seen: (string | undefined)[] = [];
    await using server = await serve((incoming, outgoing) => {
      seen.push(incoming.url, String(incoming.headers[framing[0]]));
      incoming.resume().on('end', () => outgoing.end());
    });
    const agent = new HttpTimeoutAgent({ timeouts: {} });
    const options = { agent, body: body(), ...(method !== undefined && { method }) };
    await (await request(`${server.url}sent`, options)).bytes();
    await (await request(`${server.url}next`, { agent })).bytes();
    expect(seen).toEqual(['/sent', framing[1], '/next', 'undefined']);
    agent.destroy();
  });

  test('leaves a length that is given', async () => {
    const lengths: unknown[] = [];
    await using server = await serve((incoming, outgoing) => {
      lengths.push(incoming.headers['content-length'], incoming.headers['transfer-encoding']);
      incoming.pipe(outgoing);
    });
    const headers = { 'Content-Length': 13 };
    const response = await request(server.url, { headers, body: pieces() });
    expect(await response.text()).toBe('one two three');
    expect(lengths).toEqual(['13', undefined]);
  });
});

describe('a lookup that fails', () => {
  type Answer = (error: Error | null, found?: unknown) => void;
  const lookups: Record<string, (answer: Answer) => void> = {
    throws: () => {
      throw new Error('no resolver');
    },
    'gives an empty list': (answer) => answer(null, []),
    'gives an empty list later': (answer) => setImmediate(answer, null, []),
    'gives nothing': (answer) => answer(null),
    'gives no address in its list': (answer) => answer(null, [null]),
    'gives an error of its own': (answer) => answer(new Error('no resolver')),
  };

  test.each(Object.entries(lookups))(
    'is a LookupError, and leaves no socket: %s',
    async (_, find) => {
      const lookup = ((__: string, ___: object, answer: Answer) =>
        find(answer)) as unknown as net.LookupFunction;
      const sockets = (): number =>
        process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
      const before = sockets();
      const agent = new HttpTimeoutAgent({ timeouts: {}, lookup });
      for (const options of [{ lookup }, { agent }]) {
        const error = await request('http://nowhere.test/', options).catch(
          (error: unknown) => error,
        );
        expect(error).toBeInstanceOf(LookupError);
        expect(error).toMatchObject({ code: 'ENOTFOUND', safeToRetry: true });
        expect((error as Error).message).toContain('nowhere.test has no address');
      }
      await expect.poll(sockets, { timeout: 20_000 }).toBeLessThanOrEqual(before);
    },
  );
});

describe('HttpTimeoutAgent', () => {
  test('ends the wait for a connection of the pool, and the next request gets its turn', async () => {
    await using server = await StallingServer.start('answers');
    await using stuck = await StallingServer.start('never-answers');
    const agent = new HttpTimeoutAgent({
      timeouts: { pool: 100, total: 1000 },
      maxTotalSockets: 1,
    });
    const first = request(stuck.url, { agent }).catch((error: unknown) => error);
    const second = await request(server.url, { agent }).catch((error: unknown) => error);
    expect(second).toBeInstanceOf(PoolTimeoutError);
    expect(second).toMatchObject({ bytesWritten: 0, safeToRetry: true });
    expect(await first).toBeInstanceOf(TotalTimeoutError);
    expect(agent.requests).toEqual({});
    const third = await request(server.url, { agent });
    expect(await third.text()).toBe('ok');
    agent.destroy();
  });

  test('reads away a response that nobody listens for, as Node does', async () => {
    await using server = await serve((_, outgoing) => outgoing.end('ok'));
    const agent = new HttpTimeoutAgent({ timeouts: { total: 10_000 } });
    const outgoing = http.get(server.url, { agent });
    await once(outgoing, 'close');
    expect(outgoing.destroyed).toBe(true);
    agent.destroy();
  });

  test('closes a pooled connection after its idle limit', async () => {
    await using server = await serve((_, outgoing) => outgoing.end('ok'));
    const agent = new HttpTimeoutAgent({ timeouts: { idle: 700 } });
    await (await request(server.url, { agent })).bytes();
    const pooled = Object.values(agent.freeSockets).flat();
    expect(pooled).toHaveLength(1);
    await untilSocketsTowards(server.port, 0);
    agent.destroy();
  });
});
