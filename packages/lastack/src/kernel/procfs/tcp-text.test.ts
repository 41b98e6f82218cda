import {
  AF_INET,
  AF_INET6,
  formatAddress,
  kernelStateOf,
  localBytesOf,
  localPortOf,
  remoteBytesOf,
  remotePortOf,
  retransmitsOf,
  SocketTableBuilder,
  timerOf,
  type SocketTable,
} from '@lastack/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseTcpText } from './tcp-text.ts';
import { isClear } from './testing/is-clear.ts';

/** Captured on Linux 6.18.44; the second row's counts are changed so that each is another number. */
const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 00000000:07E8 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 484 1 00000000392609ae 100 0 0 10 0                       
   1: 0100007F:A1B2 0203000A:01BB 08 00000010:00000001 01:0000001A 00000003  1000        2 8123 2 00000000392609ae 100 0 0 10 0                      
   2: 0100007F:A1B3 0203000A:01BB 01 00000000:00000000 02:00000064 00000003  1000        2 4294967295 2 00000000392609ae 100 0 0 10 0                
   3: 0100007F:1F90 0100007F:D431 06 00000000:00000000 03:00001770 00000000     0        0 0 3 00000000392609ae                                      
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:1F90 0000000000000000FFFF00000100007F:8000 08 00000000:00000001 00:00000000 00000000     0        0 9001 1 00000000392609ae 20 4 30 10 -1
`;

function parse(text: string, family: typeof AF_INET | typeof AF_INET6) {
  const bytes = new TextEncoder().encode(text);
  return parseTcpText(bytes, family, 4026531840, new SocketTableBuilder(1, false));
}

function describe(table: SocketTable, row: number) {
  return {
    state: kernelStateOf(table, row),
    local: `${formatAddress(localBytesOf(table, row))} ${localPortOf(table, row)}`,
    remote: `${formatAddress(remoteBytesOf(table, row))} ${remotePortOf(table, row)}`,
    queues: [table.recvQ[row], table.sendQ[row]],
    timer: [timerOf(table, row), table.expires[row], retransmitsOf(table, row)],
    owner: [table.uid[row], table.inode[row], table.netns[row]],
  };
}

test('parseTcpText() reads every column of IPv4', () => {
  const table = parse(TCP, AF_INET);
  if (table.kind !== 'ok') throw new Error(table.reason);
  expect(table.value.count).toBe(4);
  expect(describe(table.value, 0)).toEqual({
    state: 10,
    local: '0.0.0.0 2024',
    remote: '0.0.0.0 0',
    queues: [3, 0],
    timer: ['none', 0, 0],
    owner: [0, 484, 4026531840],
  });
  expect(describe(table.value, 1)).toEqual({
    state: 8,
    local: '127.0.0.1 41394',
    remote: '10.0.3.2 443',
    queues: [1, 16],
    timer: ['retransmit', 260, 3],
    owner: [1000, 8123, 4026531840],
  });
});

test('parseTcpText() counts probes, not retransmissions, for the keepalive timer', () => {
  const table = parse(TCP, AF_INET);
  if (table.kind !== 'ok') throw new Error(table.reason);
  expect(describe(table.value, 2).timer).toEqual(['keepalive', 1000, 2]);
  expect(describe(table.value, 3)).toMatchObject({ state: 6, timer: ['time-wait', 60_000, 0] });
});

test('parseTcpText() reads IPv6 and mapped addresses', () => {
  const table = parse(TCP6, AF_INET6);
  if (table.kind !== 'ok') throw new Error(table.reason);
  expect(describe(table.value, 0)).toMatchObject({
    state: 8,
    local: '::1 8080',
    remote: '::ffff:127.0.0.1 32768',
    owner: [0, 9001, 4026531840],
  });
});

test('parseTcpText() takes an empty table', () => {
  for (const text of ['', TCP.split('\n')[0], `${TCP.split('\n')[0]}\n`]) {
    expect(parse(text, AF_INET)).toMatchObject({ kind: 'ok', value: { count: 0 } });
  }
});

test('parseTcpText() rejects a row that breaks off or is no row', () => {
  const lines = TCP.split('\n');
  for (const row of [lines[1].slice(0, 90), '   x: 00', '   0: 0000000G:07E8', ' ', '0:', '\0']) {
    expect(parse(`${lines[0]}\n${row}`, AF_INET).kind, row).toBe('unavailable');
  }
});

test('parseTcpText() takes any text for rows or says why not', () => {
  const lines = TCP.split('\n');
  const change = fc
    .array(fc.tuple(fc.nat(140), fc.constantFrom(' ', 'F', ':', '9', '\n', 'z')), { maxLength: 4 })
    .map((changes) => {
      const row = lines[2].split('');
      for (const [at, character] of changes) row[at] = character;
      return `${lines[0]}\n${row.join('')}`;
    });
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), change),
      fc.constantFrom(AF_INET, AF_INET6),
      (text, family) => {
        expect(isClear(parse(text, family), '/proc/net/tcp')).toBe(true);
      },
    ),
  );
});
