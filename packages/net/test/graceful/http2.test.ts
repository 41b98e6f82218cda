import {
  type ClientHttp2Session,
  connect,
  createSecureServer,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { Server } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  gracefulServer,
  type GracefulServer,
  type GracefulServerOptions,
} from '../../src/graceful/graceful-server.ts';
import { get, rawClient } from './kit/raw-client.ts';
import { SELF_SIGNED } from './kit/self-signed.ts';
import { listening, portOf } from './kit/test-server.ts';

const LONG = 60_000;
const ANY_STREAM = 2 ** 31 - 1;

interface Http2TestServer {
  readonly server: Server;
  readonly graceful: GracefulServer;
  readonly held: Http2ServerResponse[];
}

/** Answers `ok`: at once, or on `/held` when the test lets it. */
async function http2Server(
  protocol: 'h2c' | 'h2',
  options: GracefulServerOptions,
): Promise<Http2TestServer> {
  const held: Http2ServerResponse[] = [];
  const handle = (request: Http2ServerRequest, response: Http2ServerResponse): void => {
    if (request.url === '/held') held.push(response);
    else response.end('ok');
  };
  const server =
    protocol === 'h2c'
      ? createServer(handle)
      : createSecureServer({ ...SELF_SIGNED, allowHTTP1: true }, handle);
  const graceful = gracefulServer(server, options);
  await listening(server);
  onTestFinished(async () => void (await graceful.force()));
  return { server, graceful, held };
}

/** A session that goes on when it is told GOAWAY, as a client does whose request was already on its way. */
interface Client {
  readonly session: ClientHttp2Session;
  readonly goaways: number[];
}

async function http2Client(protocol: 'h2c' | 'h2', server: Server): Promise<Client> {
  const scheme = protocol === 'h2c' ? 'http' : 'https';
  const session = connect(`${scheme}://localhost:${portOf(server)}`, {
    rejectUnauthorized: false,
    lookup: (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  });
  onTestFinished(() => session.destroy());
  const goaways: number[] = [];
  session.on('goaway', (_code, lastStream) => goaways.push(lastStream));
  session.on('error', () => {});
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  return { session, goaways };
}

function request(session: ClientHttp2Session, path: string): Promise<string> {
  return new Promise((resolve) => {
    const stream = session.request({ ':path': path });
    let body = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => (body += text));
    stream.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    stream.on('close', () => resolve(body || `closed by ${stream.rstCode}`));
  });
}

test.for(['h2c', 'h2'] as const)(
  'streams in flight are answered, and so is one that crosses the GOAWAY (%s)',
  async (protocol) => {
    const { server, graceful, held } = await http2Server(protocol, { idleGrace: LONG });
    const { session, goaways } = await http2Client(protocol, server);
    const answers = [request(session, '/held'), request(session, '/held')];
    await vi.waitUntil(() => held.length === 2);
    const done = graceful.shutdown();
    await vi.waitUntil(() => !server.listening);
    answers.push(request(session, '/'), request(session, '/'), request(session, '/'));
    expect(await Promise.all(answers.slice(2))).toEqual(['ok', 'ok', 'ok']);
    for (const response of held) response.end('ok');
    expect(await Promise.all(answers)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
    expect(await done).toMatchObject({ outcome: 'graceful', completed: 5, droppedRequests: 0 });
    expect(goaways[0]).toBe(ANY_STREAM);
    expect(goaways.at(-1)).toBeLessThan(ANY_STREAM);
  },
);

test.for(['h2c', 'h2'] as const)(
  'sessions without a stream get the final GOAWAY after idleGrace (%s)',
  async (protocol) => {
    const { server, graceful } = await http2Server(protocol, { idleGrace: 50 });
    const { session, goaways } = await http2Client(protocol, server);
    expect(await request(session, '/')).toBe('ok');
    expect(await graceful.shutdown()).toMatchObject({
      outcome: 'graceful',
      droppedRequests: 0,
      forcedConnections: 0,
    });
    await vi.waitUntil(() => session.destroyed);
    expect(goaways[0]).toBe(1);
  },
);

test('a slow stream outlives idleGrace', async () => {
  const { server, graceful, held } = await http2Server('h2c', { idleGrace: 1 });
  const { session, goaways } = await http2Client('h2c', server);
  const answer = request(session, '/held');
  await vi.waitUntil(() => held.length === 1);
  const done = graceful.shutdown();
  await vi.waitUntil(() => goaways.length > 0);
  for (const response of held) response.end('ok');
  expect(await answer).toBe('ok');
  expect(await done).toMatchObject({ outcome: 'graceful', completed: 1 });
});

test('clients that ask without a pause lose no request', async () => {
  const { server, graceful } = await http2Server('h2c', { idleGrace: LONG });
  const clients = await Promise.all(Array.from({ length: 8 }, () => http2Client('h2c', server)));
  const ends = clients.map(async ({ session }) => {
    const bad: string[] = [];
    while (!session.closed) {
      const answer = await request(session, '/');
      if (answer !== 'ok') bad.push(answer);
    }
    return bad;
  });
  expect(await graceful.shutdown()).toMatchObject({ outcome: 'graceful', droppedRequests: 0 });
  expect((await Promise.all(ends)).flat()).toEqual([]);
});

test('streams in flight at the deadline are cut off, and counted', async () => {
  const { server, graceful, held } = await http2Server('h2c', { deadline: 100 });
  const { session } = await http2Client('h2c', server);
  const answers = [request(session, '/held'), request(session, '/held')];
  await vi.waitUntil(() => held.length === 2);
  expect(await graceful.shutdown()).toMatchObject({
    outcome: 'deadline',
    abortedRequests: 2,
    forcedConnections: 1,
  });
  for (const answer of answers) expect(await answer).not.toBe('ok');
});

test('a client that keeps its socket after the final GOAWAY is waited for no longer than linger says', async () => {
  const { server, graceful } = await http2Server('h2c', {
    idleGrace: 1,
    deadline: LONG,
    linger: { idle: 50 },
  });
  // The preface and an empty SETTINGS frame.
  const client = await rawClient(portOf(server));
  client.socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');
  await client.until(({ text }) => text.length > 0);
  expect(await graceful.shutdown()).toMatchObject({ outcome: 'graceful' });
  client.socket.destroy();
});

test('HTTP/1 clients of an HTTP/2 server are drained in their way', async () => {
  const { server, graceful } = await http2Server('h2', { idleGrace: LONG });
  const client = await rawClient(portOf(server), 'tls');
  const done = graceful.shutdown();
  await vi.waitUntil(() => !server.listening);
  client.send(get() + get());
  await client.until(({ hasEnded }) => hasEnded);
  expect(client.closeHeaders).toBe(1);
  client.socket.end();
  expect(await done).toMatchObject({ outcome: 'graceful', completed: 2, droppedRequests: 0 });
});
