import net from 'node:net';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import {
  childrenOf,
  launchServer,
  startClient,
  startClientInTerminal,
  startServer,
  statesOf,
} from './echo-programs.ts';

const ANSWER = String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`;
const HAS_SCRIPT = ['/usr/bin/script', '/bin/script'].some((path) => existsSync(path));

/** Closed by a FIN of each side: a TIME-WAIT for each connection, which a RST does not leave, and nothing else. */
async function expectCleanClose(port: number, connections: number): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(await statesOf(port)).toEqual(Array.from({ length: connections }, () => 'TIME-WAIT'));
    },
    { timeout: 10_000, interval: 20 },
  );
}

describe.each([
  { isolate: 'one process', args: [] },
  { isolate: 'a worker each', args: ['--isolate=worker'] },
  { isolate: 'a process each', args: ['--isolate=process'] },
])('the echo example, $isolate', ({ args }) => {
  it('answers many clients at once, each line with its time, and closes when they do', async () => {
    const server = await startServer(...args);
    const clients = Array.from({ length: 4 }, () => startClient(server.port));
    for (const [at, { child }] of clients.entries()) child.stdin.write(`first of ${at}\nwörld\n`);
    for (const [at, client] of clients.entries()) {
      await client.printed(new RegExp(`^${ANSWER} first of ${at}\n${ANSWER} wörld\n$`));
    }
    for (const { child } of clients) child.stdin.end('last\n');
    for (const client of clients) {
      expect(await client.ended()).toBe(0);
      expect(client.output()).toMatch(/ last\n$/);
    }
    await expectCleanClose(server.port, clients.length);
    await vi.waitFor(async () => {
      expect(await childrenOf(server.child.pid ?? 0)).toEqual([]);
    });
  });

  it('closes every connection when the server is interrupted, and the clients end', async () => {
    const server = await startServer(...args);
    const clients = [startClient(server.port), startClient(server.port)];
    for (const client of clients) {
      client.child.stdin.write('here\n');
      await client.printed(/ here\n/);
    }
    server.child.kill('SIGINT');
    expect(await server.ended()).toBe(0);
    for (const client of clients) {
      expect(await client.ended()).toBe(0);
      expect(client.output()).toMatch(/the server closed the connection\n$/);
    }
    await expectCleanClose(server.port, clients.length);
  });

  it('ends the clients when the server is killed, and leaves no CLOSE-WAIT', async () => {
    const server = await startServer(...args);
    const client = startClient(server.port);
    client.child.stdin.write('here\n');
    await client.printed(/ here\n/);
    server.child.kill('SIGKILL');
    expect(await client.ended()).toBe(0);
    expect(client.output()).toMatch(/the server closed the connection\n$/);
    await expectCleanClose(server.port, 1);
  });

  it('goes on when a client resets its connection', async () => {
    const server = await startServer(...args);
    const rude = net.connect(server.port, '127.0.0.1');
    rude.write('answer this\n');
    await once(rude, 'data');
    rude.resetAndDestroy();
    const client = startClient(server.port);
    client.child.stdin.end('still here\n');
    expect(await client.ended()).toBe(0);
    expect(server.output()).toBe(`listening on port ${server.port}\n`);
  });
});

describe('the echo client', () => {
  it('ends at an empty line', async () => {
    const server = await startServer();
    const client = startClient(server.port);
    client.child.stdin.write('one\n\nnever sent\n');
    expect(await client.ended()).toBe(0);
    expect(client.output()).toMatch(new RegExp(`^${ANSWER} one\n$`));
    await expectCleanClose(server.port, 1);
  });

  it('ends when it is interrupted, and the server goes on', async () => {
    const server = await startServer();
    const client = startClient(server.port);
    client.child.stdin.write('one\n');
    await client.printed(/ one\n/);
    client.child.kill('SIGINT');
    expect(await client.ended()).toBe(0);
    await expectCleanClose(server.port, 1);
    expect(server.child.exitCode).toBeNull();
  });

  it('says in one line that nobody listens', async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    await new Promise((closed) => {
      server.close(closed);
    });
    const client = startClient(port);
    expect(await client.ended()).toBe(1);
    expect(client.output()).toBe(
      `127.0.0.1:${port} refused the connection: nothing listens there\n`,
    );
  });

  it.skipIf(!HAS_SCRIPT)(
    'prompts in a terminal, and ends at Ctrl-C (skipped without script(1))',
    async () => {
      const server = await startServer();
      const client = startClientInTerminal(server.port);
      await client.printed(/> /);
      client.child.stdin.write('typed\r');
      await client.printed(new RegExp(`${ANSWER} typed\r\n.*> `));
      client.child.stdin.write('\u0003');
      expect(await client.ended()).toBe(0);
      await expectCleanClose(server.port, 1);
    },
  );

  it.skipIf(!HAS_SCRIPT)(
    'leaves the prompt at once when the server is killed (skipped without script(1))',
    async () => {
      const server = await startServer();
      const client = startClientInTerminal(server.port);
      await client.printed(/> /);
      client.child.stdin.write('half a li');
      await client.printed(/half a li/);
      server.child.kill('SIGKILL');
      expect(await client.ended()).toBe(0);
      expect(client.output()).toContain('\r\nthe server closed the connection\r\n');
    },
  );
});

describe('the echo server', () => {
  it('says what is wrong with its command line', async () => {
    const client = startClient(70_000);
    expect(await client.ended()).toBe(2);
    expect(client.output()).toMatch(/^--port must be 0 to 65535, not 70000\nusage: /);
  });

  it('says that the port is taken', async () => {
    const first = await startServer();
    const second = launchServer(`--port=${first.port}`);
    expect(await second.ended()).toBe(1);
    expect(second.output()).toContain(`cannot listen on port ${first.port}: `);
  });
});
