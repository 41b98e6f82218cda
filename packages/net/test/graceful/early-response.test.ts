import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { gracefulServer } from '../../src/graceful/graceful-server.ts';
import { lingeringClose } from '../../src/graceful/lingering-close.ts';
import { rawClient } from './kit/raw-client.ts';
import { SELF_SIGNED } from './kit/self-signed.ts';
import { listening, portOf } from './kit/test-server.ts';

const UPLOADS = 10;
const UPLOAD_BYTES = 50_000_000;
const CHUNK = Buffer.alloc(65_536);

function refuse(response: Parameters<RequestListener>[1]): void {
  response.writeHead(413, { Connection: 'close', 'Content-Length': 9 });
  response.end('too large');
}

/** How many of so many clients, which read only when they can write no more, get to read the 413. */
async function answered(server: Server, protocol: 'tcp' | 'tls'): Promise<number> {
  await listening(server);
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  let count = 0;
  for (let upload = 0; upload < UPLOADS; upload++) {
    const client = await rawClient(portOf(server), protocol);
    client.send(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n`);
    client.socket.pause();
    await writeUntilFull(client.socket);
    client.socket.resume();
    await client.until(({ hasEnded, isClosed }) => hasEnded || isClosed);
    if (client.text.startsWith('HTTP/1.1 413') && client.text.endsWith('too large')) count++;
    client.socket.destroy();
  }
  return count;
}

/** Until the server takes nothing more, or everything. */
async function writeUntilFull(socket: Socket): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (let sent = 0; sent < UPLOAD_BYTES && !socket.destroyed; sent += CHUNK.length) {
    const written = new Promise((resolve) => socket.write(CHUNK, resolve));
    await Promise.race([closed, written]);
  }
}

test.for(['tcp', 'tls'] as const)(
  'an early response arrives at a client that is still uploading (%s)',
  async (protocol) => {
    const listener: RequestListener = (_request, response) => refuse(response);
    const server =
      protocol === 'tcp' ? createServer(listener) : createHttpsServer(SELF_SIGNED, listener);
    gracefulServer(server);
    expect(await answered(server, protocol)).toBe(UPLOADS);
  },
);

test('lingeringClose() does it for one response of any server', async () => {
  const server = createServer((_request, response) => {
    lingeringClose(response);
    refuse(response);
  });
  expect(await answered(server, 'tcp')).toBe(UPLOADS);
});

test('lingeringClose() says that the connection ends', async () => {
  const server = createServer((_request, response) => {
    lingeringClose(response);
    response.end('no');
  });
  await listening(server);
  const client = await rawClient(portOf(server));
  client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n');
  await client.until(({ hasEnded }) => hasEnded);
  expect(client.text).toMatch(/connection: close\r\n[^]*\r\n\r\nno$/i);
  client.socket.end();
  await new Promise((resolve) => server.close(resolve));
});

test('a client that uploads on for ever is cut off at the deadline of lingering', async () => {
  const server = createServer((_request, response) => {
    lingeringClose(response, { deadline: 200 });
    refuse(response);
  });
  await listening(server);
  const client = await rawClient(portOf(server));
  client.send('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  const upload = setInterval(() => client.send('1\r\nx\r\n'), 5);
  await client.until(({ isClosed }) => isClosed);
  clearInterval(upload);
  expect(client.text).toMatch(/too large$/);
  await new Promise((resolve) => server.close(resolve));
});

test('the connection of an early response does not outlive a client that falls silent', async () => {
  const server = createServer((_request, response) => {
    lingeringClose(response, { idle: 50 });
    refuse(response);
  });
  await listening(server);
  const client = await rawClient(portOf(server));
  client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n');
  await client.until(({ hasEnded }) => hasEnded);
  await expect(new Promise((resolve) => server.close(resolve))).resolves.toBeUndefined();
  client.socket.destroy();
});
