import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  LeakError,
  type SocketTracking,
  trackSockets,
  type TrackOptions,
} from '../../src/index.ts';

const PSK = {
  ciphers: 'PSK-AES128-GCM-SHA256',
  maxVersion: 'TLSv1.2',
  pskCallback: () => ({ psk: Buffer.alloc(16, 7), identity: 'test' }),
  checkServerIdentity: () => undefined,
};

function track(options: TrackOptions = { settleMs: 0 }): SocketTracking {
  const sockets = trackSockets(options);
  onTestFinished(() => {
    sockets[Symbol.dispose]();
  });
  return sockets;
}

async function listening<T extends net.Server>(server: T, path?: string): Promise<T> {
  const open = new Set<net.Socket>();
  server.on('connection', (socket: net.Socket) => {
    open.add(socket.on('error', () => {}));
  });
  await (path === undefined
    ? once(server.listen(0, '127.0.0.1'), 'listening')
    : once(server.listen(path), 'listening'));
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return server;
}

function addressOf(server: net.Server): { port: number; host: string } {
  return { port: (server.address() as net.AddressInfo).port, host: '127.0.0.1' };
}

function closedAtEnd<T extends net.Socket>(socket: T): T {
  onTestFinished(() => {
    socket.destroy();
  });
  return socket.on('error', () => {});
}

async function connected(server: net.Server): Promise<net.Socket> {
  const socket = closedAtEnd(net.connect(addressOf(server)));
  await Promise.all([once(socket, 'connect'), once(server, 'connection')]);
  return socket;
}

async function kinds(sockets: SocketTracking): Promise<string[]> {
  return (await sockets.leaks()).map(({ kind }) => kind).toSorted();
}

describe('trackSockets()', () => {
  it('sees both ends of a connection and its listener, with addresses and descriptors', async () => {
    const sockets = track();
    const server = await listening(net.createServer());
    const client = await connected(server);
    const near = `127.0.0.1:${client.localPort}`;
    const far = `127.0.0.1:${client.remotePort}`;
    expect(await sockets.leaks()).toMatchObject([
      { kind: 'listener', local: far, accepted: false, pooled: false },
      { kind: 'tcp client', local: near, remote: far, accepted: false, fd: expect.any(Number) },
      { kind: 'tcp server side', local: far, remote: near, accepted: true },
    ]);
  });

  it('counts a TLS connection once at each end', async () => {
    const sockets = track();
    const server = await listening(tls.createServer(PSK as unknown as tls.TlsOptions));
    const options = { ...addressOf(server), ...PSK } as unknown as tls.ConnectionOptions;
    await Promise.all([
      once(closedAtEnd(tls.connect(options)), 'secureConnect'),
      once(server, 'secureConnection'),
    ]);
    expect(await kinds(sockets)).toEqual(['listener', 'tls', 'tls']);
  });

  it('sees Unix sockets, and the path of their listener', async () => {
    const sockets = track();
    const path = join(tmpdir(), `track-${process.pid}-${Date.now()}.sock`);
    const server = await listening(net.createServer(), path);
    await Promise.all([
      once(closedAtEnd(net.connect(path)), 'connect'),
      once(server, 'connection'),
    ]);
    expect(await sockets.leaks()).toMatchObject([
      { kind: 'listener', local: path },
      { kind: 'pipe', accepted: false },
      { kind: 'pipe', accepted: true },
    ]);
  });

  it('says of the pipes of a child process that they are', async () => {
    const sockets = track();
    const child = spawn('cat', { stdio: 'pipe' });
    const pipes = await sockets.leaks();
    expect(pipes.map(({ kind }) => kind)).toEqual(['pipe', 'pipe', 'pipe']);
    for (const { remedy } of pipes) expect(remedy).toContain('child process');
    child.stdin.end();
    await once(child, 'close');
    await sockets.assertNone();
  });

  it('waits for sockets that close soon, under fake timers too', async () => {
    const server = await listening(net.createServer());
    const sockets = track({ settleMs: 20_000 });
    const client = await connected(server);
    expect(await kinds(track())).toEqual([]);
    setTimeout(() => client.end().resume(), 50);
    vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate', 'performance', 'Date'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    await sockets.assertNone();
    expect(client.destroyed).toBe(true);
  });

  it('knows an accepted connection of a listener that it has not seen', async () => {
    const server = await listening(net.createServer());
    const sockets = track();
    await connected(server);
    expect(await kinds(sockets)).toEqual(['tcp client', 'tcp server side']);
    await expect(sockets.assertNone()).rejects.toThrow('by a listener that was there before');
  });

  it('finds the line under 45 frames of others', async () => {
    const server = await listening(net.createServer());
    const sockets = track();
    const limit = Error.stackTraceLimit;
    const deep = (levels: number): net.Socket =>
      levels === 0 ? net.connect(addressOf(server)) : deep(levels - 1);
    await once(closedAtEnd(deep(40)), 'connect');
    const [{ createdAt } = {}] = await sockets.leaks();
    expect(createdAt?.stack.split('\n').length).toBeGreaterThan(40);
    expect(Error.stackTraceLimit).toBe(limit);
  });

  it('throws an error that names each socket, its line and what to do, and has its stack', async () => {
    const sockets = track();
    const server = await listening(net.createServer());
    await connected(server);
    const error = await sockets.assertNone().catch((error: unknown) => error as LeakError);
    expect(error).toBeInstanceOf(LeakError);
    expect(error).toMatchObject({ name: 'LeakError', code: 'ERR_SOCKET_LEAK' });
    const { message, stack, leaks } = error as LeakError;
    expect(leaks).toHaveLength(3);
    expect(message).toContain('3 sockets were left open\n');
    expect(message).toMatch(
      /tcp client .+\n +made at .+track-sockets\.test\.ts:\d+:\d+ \(connected\)/,
    );
    expect(message).toMatch(/accepted by the listener made at .+track-sockets\.test\.ts:\d+/);
    expect(/^ +at .+/m.exec(stack ?? '')?.[0]).toContain('track-sockets.test.ts');
    // Once is enough.
    await sockets.assertNone();
  });

  it('knows which of the tests that run at once made a socket', async () => {
    const sockets = track();
    const server = await listening(net.createServer());
    const [one, two] = [{ name: 'the same' }, { name: 'the same' }];
    const later = async (): Promise<net.Socket> => {
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
      return connected(server);
    };
    await Promise.all([
      sockets.run(one, later),
      sockets.run(two, async () => (await later()).destroy()),
    ]);
    await vi.waitFor(async () => {
      expect(await sockets.leaks({ test: two })).toEqual([]);
    });
    expect(await sockets.leaks({ test: one })).toMatchObject([{ kind: 'tcp client' }]);
    await expect(sockets.assertNone({ test: one })).rejects.toThrow('by the test "the same"');
  });

  it('does not guess: what no test made is said to be made while they ran', async () => {
    const sockets = track();
    const server = await listening(net.createServer());
    await sockets.run({ name: 'a' }, async () =>
      sockets.run({ name: 'b' }, async () => {
        await connected(server);
      }),
    );
    const accepted = (await sockets.leaks()).find(({ kind }) => kind === 'tcp server side');
    expect(accepted).toMatchObject({ during: ['a', 'b'] });
    expect(accepted?.test).toBeUndefined();
    await expect(sockets.assertNone()).rejects.toThrow('it cannot be said which made it: "a", "b"');
  });

  it('forgives a test, and ignores what it is told to', async () => {
    const sockets = track({ settleMs: 0, ignore: ({ kind }) => kind !== 'tcp client' });
    const server = await listening(net.createServer());
    const test = { name: 'failed' };
    await sockets.run(test, async () => connected(server));
    sockets.forgive(test);
    await sockets.assertNone();
    await connected(server);
    await expect(sockets.assertNone()).rejects.toThrow('1 socket was left open');
  });

  it('tells idle pooled connections, both ends, from those in use', async () => {
    const sockets = track({ settleMs: 2000 });
    const server = http.createServer((request, response) => {
      response.write('some');
      if (request.url === '/whole') response.end();
    });
    await listening(server);
    const { port } = addressOf(server);
    const agent = new http.Agent({ keepAlive: true });
    onTestFinished(() => {
      agent.destroy();
    });
    const [response] = (await once(
      http.get({ port, host: '127.0.0.1', path: '/whole', agent }),
      'response',
    )) as [http.IncomingMessage];
    await once(response.resume(), 'end');
    await (await fetch(`http://127.0.0.1:${port}/whole`)).text();
    const isOf = ({ kind }: { kind: string }): boolean => kind !== 'listener';
    expect((await sockets.leaks()).filter(isOf).map(({ pooled }) => pooled)).toEqual(
      Array.from({ length: 4 }, () => true),
    );
    const unread = await fetch(`http://127.0.0.1:${port}/`);
    const used = (await sockets.leaks()).filter((leak) => isOf(leak) && !leak.pooled);
    expect(used.length).toBeGreaterThan(0);
    await unread.body?.cancel();
  });

  it('forgets what was closed, however many', async () => {
    const server = await listening(net.createServer((socket) => socket.resume().end()));
    const sockets = track();
    for (let round = 0; round < 30; round += 1) {
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const socket = net.connect(addressOf(server)).resume();
          await once(socket.end(), 'close');
        }),
      );
    }
    const left = await connected(await listening(net.createServer()));
    const clients = (await sockets.leaks()).filter(({ kind }) => kind === 'tcp client');
    expect(clients).toMatchObject([{ local: `127.0.0.1:${left.localPort}` }]);
  });

  it('sees nothing of before, and nothing after it is disposed', async () => {
    const before = await listening(net.createServer());
    const sockets = trackSockets({ settleMs: 0 });
    await sockets.assertNone();
    await listening(net.createServer());
    expect(await kinds(sockets)).toEqual(['listener']);
    sockets[Symbol.dispose]();
    await connected(before);
    expect(await kinds(sockets)).toEqual([]);
  });

  it('demands a sensible time', () => {
    expect(() => trackSockets({ settleMs: -1 })).toThrow('settleMs must be 0 or more ms, not -1');
    expect(() => trackSockets({ settleMs: Number.NaN })).toThrow(RangeError);
  });
});
