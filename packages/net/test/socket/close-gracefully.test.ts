import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';
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

  test("closes also beside a reader that waits for 'readable' and does not read", async () => {
    await using ends = await openForeign(transport);
    ends.server.resume();
    ends.client.on('readable', () => {});
    ends.server.write(Buffer.alloc(300_000));
    expect((await closeGracefully(ends.client)).outcome).toBe('graceful');
  });

  test('closes also a socket whose pipe is stuck', async () => {
    await using ends = await openForeign(transport);
    await using stuck = await openForeign('tcp');
    stuck.server.pause();
    pipeline(ends.client, stuck.client, () => {});
    ends.server.resume().end(Buffer.alloc(20_000_000));
    await expect.poll(() => stuck.client.writableLength).toBeGreaterThan(0);
    const report = await closeGracefully(ends.client, { deadline: 5_000, discardLimit: Infinity });
    expect(report.outcome).toBe('graceful');
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
