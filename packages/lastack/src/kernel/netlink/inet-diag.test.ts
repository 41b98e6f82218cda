import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  SocketTableBuilder,
  ageOf,
  formatAddress,
  localBytesOf,
  localPortOf,
  remotePortOf,
  stateOf,
} from '@lastack/core';
import { parseInetDiag, type DumpProgress } from './inet-diag.ts';

/** Linux 6.18: a CLOSE-WAIT with 5 unread bytes, its FIN-WAIT-2, listeners on IPv4 and on IPv6 only, a connection on ::1. */
const DUMP = readFileSync(new URL('fixtures/linux-6.18-close-wait.dump', import.meta.url));

function parse(bytes: Uint8Array): { table: SocketTableBuilder; progress: DumpProgress } {
  const words = new Uint32Array(Math.ceil(bytes.length / 4));
  new Uint8Array(words.buffer).set(bytes);
  const table = new SocketTableBuilder(0, true);
  return { table, progress: parseInetDiag(words, bytes.length, table, 7) };
}

test('parseInetDiag() reads every socket of a captured dump', () => {
  const { table, progress } = parse(DUMP);
  expect(progress).toEqual({ kind: 'done', interrupted: false });
  const sockets = Array.from({ length: table.count }, (_, row) => ({
    state: stateOf(table, row),
    local: `${formatAddress(localBytesOf(table, row))} ${localPortOf(table, row)}`,
    recvQ: table.recvQ[row],
    sendQ: table.sendQ[row],
  }));
  expect(sockets).toContainEqual({
    state: 'CLOSE-WAIT',
    local: '127.0.0.1 8080',
    recvQ: 6,
    sendQ: 0,
  });
  expect(sockets).toContainEqual({ state: 'LISTEN', local: '::1 8081', recvQ: 1, sendQ: 5 });
  expect(sockets.map(({ state }) => state).toSorted()).toEqual(
    ['CLOSE-WAIT', 'ESTABLISHED', 'ESTABLISHED', 'FIN-WAIT-2', 'LISTEN', 'LISTEN'].toSorted(),
  );
});

test('parseInetDiag() reads tcp_info, IPV6_V6ONLY, cookies and the namespace', () => {
  const { table } = parse(DUMP);
  const rows = [...table.head.subarray(0, table.count).keys()];
  const closeWait = rows.find((row) => stateOf(table, row) === 'CLOSE-WAIT') ?? -1;
  const age = ageOf(table, closeWait, { finTimeoutMs: 60_000 });
  expect(age.minMs).toBeGreaterThan(0);
  expect(age.minMs).toBeLessThan(5000);
  const listener = rows.find(
    (row) => localPortOf(table, row) === 8081 && remotePortOf(table, row) === 0,
  );
  expect(table.destination[listener ?? -1]).toBe(1);
  expect(new Set(rows.map((row) => table.cookieLow[row])).size).toBe(table.count);
  expect(rows.every((row) => table.netns[row] === 7)).toBe(true);
});

test('parseInetDiag() asks for more when a buffer ends between two sockets', () => {
  const first = DUMP.readUInt32LE(0);
  const { table, progress } = parse(DUMP.subarray(0, (first + 3) & ~3));
  expect(progress).toEqual({ kind: 'more', interrupted: false });
  expect(table.count).toBe(1);
});

test('parseInetDiag() rejects a message that is cut off', () => {
  expect(parse(DUMP.subarray(0, 40)).progress).toEqual({ kind: 'malformed', at: 0 });
});

test('parseInetDiag() tells the error that the kernel sends', () => {
  const message = Buffer.alloc(36);
  message.writeUInt32LE(36, 0);
  message.writeUInt16LE(2, 4);
  message.writeInt32LE(-13, 16);
  expect(parse(message).progress).toEqual({ kind: 'error', errno: 13 });
});

test('parseInetDiag() notices that a dump was interrupted', () => {
  const bytes = Buffer.from(DUMP);
  bytes.writeUInt16LE(bytes.readUInt16LE(6) | 0x10, 6);
  expect(parse(bytes).progress).toEqual({ kind: 'done', interrupted: true });
});

test('parseInetDiag() ends on any bytes, with no more rows than they can hold', () => {
  const mutation = fc.record({ at: fc.nat({ max: DUMP.length - 1 }), value: fc.nat({ max: 255 }) });
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 4096 }),
    fc.array(mutation, { maxLength: 20 }).map((mutations) => {
      const bytes = Buffer.from(DUMP);
      for (const { at, value } of mutations) bytes[at] = value;
      return bytes;
    }),
  );
  fc.assert(
    fc.property(garbage, (bytes) => {
      const { table, progress } = parse(bytes);
      expect(['more', 'done', 'error', 'malformed']).toContain(progress.kind);
      expect(table.count).toBeLessThanOrEqual(bytes.length / 88);
    }),
    { numRuns: 2000 },
  );
});
