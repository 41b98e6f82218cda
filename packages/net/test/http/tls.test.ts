import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';

import * as undici from 'undici';
import { expect, test } from 'vitest';

import {
  HttpsTimeoutAgent,
  request,
  ReadTimeoutError,
  WriteTimeoutError,
} from '../../src/index.ts';
import { timeoutDispatcher } from '../../src/undici.ts';
import { untilSocketsTowards } from './open-sockets.ts';

/** A key that both know takes the place of certificates. */
const KEY = Buffer.from('a key of sixteen');
const PSK = {
  ciphers: 'PSK',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
  pskCallback: () => ({ psk: KEY, identity: 'lastack' }),
  checkServerIdentity: () => undefined,
} as const;

interface Peer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
}

/** Reads the head of a request and answers half; of an upload it reads nothing more. */
async function halfAnswering(): Promise<Peer> {
  const sockets = new Set<tls.TLSSocket>();
  const server = tls.createServer({ ...PSK, pskCallback: () => KEY }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (chunk: Buffer) => {
      socket.pause();
      if (chunk.toString('latin1').startsWith('GET')) {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `https://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

const UPLOAD = Buffer.alloc(32 << 20);
const caught = (error: unknown): unknown => error;

test('request() keeps its limits over TLS, and counts what the kernel took', async () => {
  await using peer = await halfAnswering();
  const agent = new HttpsTimeoutAgent({ ...PSK, timeouts: {} });
  const response = await request(peer.url, { agent, timeouts: { read: 150 } });
  expect(await response.text().catch(caught)).toBeInstanceOf(ReadTimeoutError);

  const upload = { agent, method: 'POST', body: UPLOAD, timeouts: { write: 150 } };
  const error = await request(peer.url, upload).catch(caught);
  expect(error).toBeInstanceOf(WriteTimeoutError);
  expect((error as WriteTimeoutError).bytesWritten).toBeGreaterThan(0);
  expect((error as WriteTimeoutError).bytesWritten).toBeLessThan(UPLOAD.length);
  await untilSocketsTowards(peer.port, 0);
  agent.destroy();
});

test('timeoutDispatcher() keeps its limits over TLS, and counts what the kernel took', async () => {
  await using peer = await halfAnswering();
  const dispatcher = timeoutDispatcher({ connect: { ...PSK } }, { read: 150, write: 150 });
  const { body } = await undici.request(peer.url, { dispatcher });
  expect(await body.text().catch(caught)).toBeInstanceOf(ReadTimeoutError);

  const upload = { dispatcher, method: 'POST', body: UPLOAD } as const;
  const error = await undici.request(peer.url, upload).catch(caught);
  expect(error).toBeInstanceOf(WriteTimeoutError);
  expect((error as WriteTimeoutError).bytesWritten).toBeGreaterThan(0);
  expect((error as WriteTimeoutError).bytesWritten).toBeLessThan(UPLOAD.length);
  await untilSocketsTowards(peer.port, 0);
  await dispatcher.destroy();
});
