import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { PassThrough, pipeline } from 'node:stream';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { closeGracefully } from '../../src/index.ts';
import { canAskForUnacked } from '../../src/socket/unacked-bytes.ts';
import { SELF_SIGNED } from '../graceful/kit/self-signed.ts';

interface Foreign extends AsyncDisposable {
  readonly client: net.Socket;
  readonly server: net.Socket;
}

/** Two sockets that node:net and node:tls opened. */
async function openForeign(transport: 'tcp' | 'tls', allowHalfOpen = false): Promise<Foreign> {
  const listener =
    transport === 'tls'
      ? tls.createServer({ ...SELF_SIGNED, allowHalfOpen })
      : net.createServer({ allowHalfOpen });
  // @types/node does not know the option for tls.connect().
  const halfOpen: object = { allowHalfOpen };
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const accepted = once(listener, transport === 'tls' ? 'secureConnection' : 'connection');
  const client =
    transport === 'tls'
      ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...halfOpen })
      : net.connect({ port, host: '127.0.0.1', allowHalfOpen });
  const connected = once(client, transport === 'tls' ? 'secureConnect' : 'connect');
  const [[server]] = (await Promise.all([accepted, connected])) as [[net.Socket], unknown];
  for (const socket of [client, server]) socket.on('error', () => {});
  return {
    client,
    server,
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      server.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

function textByData(socket: net.Socket): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
    socket.on('end', () => resolve(received));
  });
}

function textByReadable(socket: net.Socket): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    socket.setEncoding('utf8').on('readable', () => {
      for (let chunk: unknown = socket.read(); typeof chunk === 'string'; chunk = socket.read()) {
        received += chunk;
      }
    });
    socket.on('end', () => resolve(received));
  });
}

describe.each(['tcp', 'tls'] as const)('closeGracefully() over %s', (transport) => {
  const delivery = canAskForUnacked() ? 'acked' : 'unknown';

  test('flushes, and reads to the end what nobody reads', async () => {
    await using ends = await openForeign(transport);
    ends.server.write(Buffer.alloc(200_000));
    let arrived = 0;
    ends.server.on('data', (chunk: Buffer) => (arrived += chunk.length));
    ends.client.write(Buffer.alloc(1_000_000));
    const report = await closeGracefully(ends.client);
    expect(report).toMatchObject({ outcome: 'graceful', finSent: true, peerFin: true, delivery });
    expect(report.discardedBytes).toBe(200_000);
    await expect.poll(() => arrived).toBe(1_000_000);
  });

  test.each<[string, (socket: net.Socket) => Promise<string>]>([
    ['a pipe', (socket) => text(socket.pipe(new PassThrough()))],
    ['for await', (socket) => text(socket)],
    ["'data'", textByData],
    ["'readable'", textByReadable],
  ])('lets %s read what comes while it closes', async (_, read) => {
    await using ends = await openForeign(transport, true);
    const received = read(ends.client);
    const closed = closeGracefully(ends.client, { deadline: 30_000, idle: 30_000 });
    ends.server.resume();
    await once(ends.server, 'end');
    ends.server.write('hello ');
    await expect.poll(() => ends.client.bytesRead).toBe(6);
    ends.server.end('world');
    expect(await received).toBe('hello world');
    expect(await closed).toMatchObject({ outcome: 'graceful', discardedBytes: 0 });
  });

  test('reads on when its reader leaves, and counts only the rest', async () => {
    await using ends = await openForeign(transport, true);
    let received = '';
    const target = new PassThrough().on('data', (chunk: Buffer) => (received += String(chunk)));
    ends.client.pipe(target);
    const closed = closeGracefully(ends.client, { deadline: 30_000, idle: 30_000 });
    ends.server.resume();
    ends.server.write('hello');
    await expect.poll(() => received).toBe('hello');
    ends.client.unpipe(target);
    ends.server.end('unread');
    expect(await closed).toMatchObject({ outcome: 'graceful', discardedBytes: 6 });
    expect(received).toBe('hello');
  });

  test("is held up by a reader that waits for 'readable' and does not read, until the limit", async () => {
    await using ends = await openForeign(transport);
    ends.server.resume();
    ends.client.on('readable', () => {});
    ends.server.write(Buffer.alloc(300_000));
    const report = await closeGracefully(ends.client, { deadline: 300 });
    expect(report.outcome).toBe('deadline');
    expect(report.discardedBytes).toBe(ends.client.bytesRead);
  });

  test('is held up by a pipe that is stuck, whose end is no clean one', async () => {
    await using ends = await openForeign(transport);
    await using stuck = await openForeign('tcp');
    stuck.server.pause();
    const piped = new Promise((resolve) => {
      pipeline(ends.client, stuck.client, resolve);
    });
    ends.server.resume().end(Buffer.alloc(20_000_000));
    await expect.poll(() => stuck.client.writableLength).toBeGreaterThan(0);
    const report = await closeGracefully(ends.client, { deadline: 300, discardLimit: Infinity });
    expect(report.outcome).toBe('deadline');
    expect(await piped).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  });

  test('resets at the deadline', async () => {
    await using ends = await openForeign(transport, true);
    ends.server.on('data', () => {});
    const report = await closeGracefully(ends.client, { deadline: 60 });
    expect(report).toMatchObject({ outcome: 'deadline', finSent: true, peerFin: false });
    // Node no longer watches a socket whose end it has read: the RST shows at the next write.
    ends.server.write('x');
    await expect.poll(() => ends.server.destroyed).toBe(true);
  });

  test('gives the same report again, and for a socket that is closed already', async () => {
    await using ends = await openForeign(transport);
    ends.server.resume();
    const first = closeGracefully(ends.client);
    expect(closeGracefully(ends.client, { deadline: 100 })).toBe(first);
    await first;
    ends.server.destroy();
    expect((await closeGracefully(ends.server)).outcome).not.toBe('deadline');
  });
});
