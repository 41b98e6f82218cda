import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress } from '@lastack/core';
import { parseDestroyed } from './destroy-source.ts';

/** Linux 6.18: both ends and the listener of a connection on ::1, then the same on 127.0.0.1. */
const MESSAGES = readFileSync(new URL('fixtures/linux-6.18-destroyed.messages', import.meta.url));

test('parseDestroyed() reads captured messages', () => {
  const records = parseDestroyed(MESSAGES, 5);
  expect(records).toHaveLength(6);
  const cookies = new Set(records.map(({ socket }) => socket));
  expect(cookies.size).toBe(6);
  const texts = records.map(({ addresses, family, localPort, remotePort }) => {
    const address = formatAddress(new Uint8Array(addresses.buffer, 0, family === 10 ? 16 : 4));
    return `${address} ${localPort === 9077 ? 'server' : 'client'} ${remotePort === 0 ? 'LISTEN' : ''}`;
  });
  expect(texts).toEqual([
    '::1 server ',
    '::1 client ',
    '::1 server LISTEN',
    '127.0.0.1 server ',
    '127.0.0.1 client ',
    '127.0.0.1 server LISTEN',
  ]);
  expect(records[0]).toMatchObject({ atMs: 5, from: 0, to: 7, error: null, running: null });
});

test('parseDestroyed() leaves out what is cut off', () => {
  expect(parseDestroyed(MESSAGES.subarray(0, 400), 0)).toHaveLength(1);
  expect(parseDestroyed(MESSAGES.subarray(0, 100), 0)).toHaveLength(0);
});

test('parseDestroyed() ends on any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      expect(parseDestroyed(Buffer.from(bytes), 0).length).toBeLessThanOrEqual(bytes.length / 88);
    }),
  );
});
