import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { until } from '../../../test/kit/condition.ts';
import { frameBytes, LARGEST_MESSAGE, openWebSocket, parseFrame } from './web-socket.ts';

/** A frame of a server: not masked. */
function serverFrame(opcode: number, payload: Buffer, isFinal = true): Buffer {
  const frame = frameBytes(opcode, payload, Buffer.alloc(4));
  frame[0] = opcode | (isFinal ? 0x80 : 0);
  frame[1] &= 0x7f;
  const header = frame.length - 4 - payload.length;
  return Buffer.concat([frame.subarray(0, header), payload]);
}

describe('parseFrame()', () => {
  test('reads frames of every length, once they are complete', () => {
    for (const size of [0, 125, 126, 65_535, 65_536]) {
      const payload = Buffer.alloc(size, 'x');
      const bytes = serverFrame(1, payload);
      expect(parseFrame(bytes.subarray(0, -1))).toBeNull();
      expect(parseFrame(Buffer.concat([bytes, Buffer.from('next')]))).toEqual({
        opcode: 1,
        isFinal: true,
        payload,
        length: bytes.length,
      });
    }
  });

  test('refuses frames that are too long, or masked', () => {
    const long = Buffer.alloc(10);
    long.set([0x81, 127]);
    long.writeBigUInt64BE(BigInt(LARGEST_MESSAGE) + 1n, 2);
    expect(() => parseFrame(long)).toThrow(RangeError);
    expect(() => parseFrame(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0]))).toThrow(RangeError);
  });

  test('survives garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 40 }), (bytes) => {
        const unmasked = Buffer.from(bytes);
        unmasked[1] &= 0x7d;
        expect(parseFrame(unmasked)?.length ?? 0).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});

describe('openWebSocket()', () => {
  test('joins parts of a message, answers pings, and hears the end', async () => {
    let other: Socket | undefined;
    const server = createServer().listen(0, '127.0.0.1');
    server.on('upgrade', (request, socket: Socket) => {
      const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash('sha1').update(key).digest('base64');
      other = socket;
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
    });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const host = '127.0.0.1';
    using client = await openWebSocket({
      host,
      port,
      path: '/id',
      connect: () => connect({ host, port }),
      timeoutMs: 5000,
    });
    const messages: string[] = [];
    client.onMessage = (text) => messages.push(text);
    let hasClosed = false;
    client.onClose = () => (hasClosed = true);
    const received: Buffer[] = [];
    other?.on('data', (bytes: Buffer) => received.push(bytes));
    const parts = [serverFrame(1, Buffer.from('hel'), false), serverFrame(0, Buffer.from('lo'))];
    for (const byte of Buffer.concat([...parts, serverFrame(9, Buffer.from('p'))])) {
      other?.write(Buffer.from([byte]));
    }
    await until(() => messages.length > 0, 'the message');
    expect(messages).toEqual(['hello']);
    // A masked pong with one byte.
    await until(() => Buffer.concat(received).length === 7, 'the pong');
    expect(Buffer.concat(received)[0]).toBe(0x8a);
    other?.destroy();
    await until(() => hasClosed, 'the end');
    server.close();
  });

  test('gives up on a server that does not answer', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const host = '127.0.0.1';
    const opening = openWebSocket({
      host,
      port,
      path: '/',
      connect: () => connect({ host, port }),
      timeoutMs: 30,
    });
    await expect(opening).rejects.toThrow('time-out');
    server.closeAllConnections();
    server.close();
  });
});
