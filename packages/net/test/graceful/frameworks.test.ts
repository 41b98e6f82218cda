// The recipes of docs/graceful-shutdown.md.
import { expect, test } from 'vitest';
import { Program, refuses } from './kit/program.ts';
import { get, rawClient } from './kit/raw-client.ts';

test.for(['express.mjs', 'fastify.mjs'])(
  'requests in flight, pipelined and on idle connections are answered, and the process ends: %s',
  async (name) => {
    const program = new Program(name);
    const port = await program.port();
    const busy = await rawClient(port);
    const idle = await rawClient(port);
    busy.send(get('/held') + get('/held') + get('/held'));
    await program.told('held', 3);
    program.kill('SIGTERM');
    await refuses(port);
    idle.send(get());
    program.send('go');
    for (const client of [busy, idle]) {
      await client.until(({ hasEnded }) => hasEnded);
      client.socket.end();
      expect(client.closeHeaders).toBe(1);
    }
    expect([busy.answers, idle.answers]).toEqual([3, 1]);
    expect(await program.exit).toEqual([0, null]);
    const [{ report } = {}] = await program.told('report');
    expect(report).toMatchObject({ outcome: 'graceful', completed: 4, droppedRequests: 0 });
  },
);

test('an upload over the body limit of Fastify gets its 413', async () => {
  const client = await rawClient(await new Program('fastify.mjs').port());
  client.socket.pause();
  client.send(
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 5000000\r\n\r\n',
  );
  client.send('x'.repeat(4_000_000));
  client.socket.resume();
  await client.until(({ hasEnded, isClosed }) => hasEnded || isClosed);
  expect(client.text).toMatch(/^HTTP\/1\.1 413 /);
  expect(client.error).toBeUndefined();
  client.socket.end();
});
