import net from 'node:net';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { ConnectionError, ConnectionResetError, listen, type SafeSocket } from '../../src/index.ts';
import { readAll, serve, TRANSPORTS } from './transports.ts';

describe.each(TRANSPORTS)('listen() over %s', (transport) => {
  test('hands each connection to the handler, and closes it afterwards', async () => {
    await using served = await serve(transport, async (socket) => {
      await socket.write('bye');
    });
    await using client = await served.dial();
    expect(String(await readAll(client))).toBe('bye');
  });

  test('what the handler says at once is there to be read, though it comes with the handshake', async () => {
    await using served = await serve(transport, (socket) => socket.write('welcome'));
    for (let i = 0; i < 20; i++) {
      await using client = await served.dial();
      expect(String(await readAll(client))).toBe('welcome');
    }
  });

  test('three reads at once get the chunks in their order, and null after them', async () => {
    await using served = await serve(transport, async (socket) => {
      for (const chunk of ['one', 'two']) {
        await socket.write(chunk);
        // The client says when it has it, lest the kernel makes one chunk of two.
        await socket.read();
      }
    });
    await using client = await served.dial();
    const reads = [client.read(), client.read(), client.read()] as const;
    for (const [i, chunk] of ['one', 'two'].entries()) {
      expect(String(await reads[i])).toBe(chunk);
      await client.write('next');
    }
    expect(await reads[2]).toBeNull();
  });

  test("tells onError what a handler throws, and closes that handler's connection", async () => {
    const errors: [unknown, SafeSocket | null][] = [];
    const failure = new Error('handler');
    await using served = await serve(
      transport,
      () => {
        throw failure;
      },
      { onError: (...told) => void errors.push(told) },
    );
    await using client = await served.dial();
    expect(await readAll(client)).toHaveLength(0);
    expect(errors).toEqual([[failure, expect.anything()]]);
  });

  test('iterates, and ends the loop when it is closed', async () => {
    await using served = await serve(transport);
    const seen: SafeSocket[] = [];
    const loop = (async () => {
      for await (const socket of served.listener) seen.push(socket);
    })();
    await using first = await served.dial();
    await using second = await served.dial();
    await expect.poll(() => seen.length).toBe(2);
    const closing = served.listener.close();
    await Promise.all([loop, first.close(), second.close()]);
    const report = await closing;
    expect(report.connections.map(({ outcome }) => outcome)).toEqual(['graceful', 'graceful']);
    expect(await served.listener.accept()).toBeNull();
  });

  test('ends by the deadline when peers do not close, also with handlers that never return', async () => {
    await using served = await serve(transport, () => new Promise(() => {}));
    const client = await served.dial();
    await expect.poll(() => served.listener.connections).toBe(1);
    const report = await served.listener.close({ deadline: 100 });
    expect(report.connections.map(({ outcome }) => outcome)).toEqual(['deadline']);
    expect(report.runningHandlers).toBe(1);
    expect(report.durationMs).toBeLessThan(5_000);
    client.abort();
  });

  test('lets connections go on for the grace period', async () => {
    await using served = await serve(transport, async (socket) => {
      for await (const chunk of socket) await socket.write(chunk);
    });
    await using client = await served.dial();
    await expect.poll(() => served.listener.connections).toBe(1);
    const closing = served.listener.close({ grace: 5_000 });
    await client.write('still there');
    expect(String(await client.read())).toBe('still there');
    await client.close();
    const report = await closing;
    expect(report.connections.map(({ outcome }) => outcome)).toEqual(['graceful']);
    expect(report.durationMs).toBeLessThan(5_000);
  });

  test('closes what nobody has taken', async () => {
    await using served = await serve(transport);
    await using client = await served.dial();
    await expect.poll(() => served.listener.connections).toBe(1);
    const closing = served.listener.close();
    expect(await client.read()).toBeNull();
    await client.close();
    expect((await closing).connections).toHaveLength(1);
  });
});

describe('listen()', () => {
  test('resets connections beyond maxWaiting', async () => {
    await using served = await serve('tcp', undefined, { maxWaiting: 1 });
    await using first = await served.dial();
    await expect.poll(() => served.listener.connections).toBe(1);
    // The RST may come before or after connect() has seen the connection.
    const second = served.dial().then((socket) => socket.read());
    await expect(second).rejects.toThrow(ConnectionResetError);
    const taken = await served.listener.accept();
    await taken?.write('taken');
    expect(String(await first.read())).toBe('taken');
    first.abort();
    expect((await served.listener.close()).refused).toBe(1);
  });

  test('names a port that is taken', async () => {
    await using served = await serve('tcp');
    const again = listen({ host: '127.0.0.1', port: served.listener.port });
    await expect(again).rejects.toThrow(ConnectionError);
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  test('prints a warning for what a handler throws when nobody asked to be told', async () => {
    const warned = once(process, 'warning') as Promise<[Error]>;
    await using served = await serve('tcp', () => Promise.reject(new Error('unforeseen')));
    await using client = await served.dial();
    const [warning] = await warned;
    expect(warning).toMatchObject({ name: 'ListenerWarning' });
    expect(warning.message).toContain('unforeseen');
    await readAll(client);
  });

  test('counts handshakes that fail, and does not wait for those that hang', async () => {
    await using served = await serve('tls', undefined, { timeouts: { tls: 60 } });
    const { port } = served.listener;
    const garbage = net.connect(port, '127.0.0.1').on('error', () => {});
    garbage.end('no TLS at all\r\n');
    const silent = net.connect(port, '127.0.0.1').on('error', () => {});
    await Promise.all(
      [garbage, silent].map((raw) => new Promise((resolve) => raw.resume().once('close', resolve))),
    );
    const hanging = net.connect(port, '127.0.0.1').on('error', () => {});
    await once(hanging, 'connect');
    const report = await served.listener.close();
    expect(report.failedHandshakes).toBeGreaterThanOrEqual(2);
    expect(report.durationMs).toBeLessThan(5_000);
    hanging.destroy();
  });

  test('maxConnections closes what is too much', async () => {
    await using served = await serve('tcp', async (socket) => void (await socket.read()), {
      maxConnections: 1,
    });
    await using first = await served.dial();
    await expect.poll(() => served.listener.connections).toBe(1);
    const second = await served.dial();
    await second.read().catch(() => null);
    expect((await second.close()).outcome).not.toBe('deadline');
    await first.write('x');
  });
});
