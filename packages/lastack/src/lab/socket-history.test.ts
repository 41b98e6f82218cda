import { expect, test } from 'vitest';
import type { TcpState } from '@lastack/core';
import { openHistoryBook, type HistoryBook } from './socket-history.ts';

const PORTS = { localPort: 7000, remotePort: 40_000 };

function statesOf(book: HistoryBook): TcpState[][] {
  return book.histories().map(({ states }) => states.map(({ state }) => state));
}

test('TIME-WAIT, which no trace shows, stands in place of CLOSED, in whatever order the two were seen', () => {
  for (const isDumpFirst of [true, false]) {
    const book = openHistoryBook({ isTraced: true, port: 7000 });
    book.add(1, { state: 'FIN-WAIT-2', atMs: 1, ...PORTS });
    if (isDumpFirst) book.addAfter(1, { state: 'TIME-WAIT', atMs: 3, ...PORTS });
    book.add(1, { state: 'CLOSED', atMs: 2, localPort: 0, remotePort: 0 });
    if (!isDumpFirst) book.addAfter(1, { state: 'TIME-WAIT', atMs: 3, ...PORTS });
    expect(book.histories()).toEqual([
      {
        ...PORTS,
        states: [
          { state: 'FIN-WAIT-2', atMs: 1 },
          { state: 'TIME-WAIT', atMs: 2 },
        ],
      },
    ]);
    book.retain(new Set(), 9);
    expect(statesOf(book)).toEqual([['FIN-WAIT-2', 'TIME-WAIT', 'CLOSED']]);
  }
});

test('a FIN-WAIT-2 that goes on without its program is told once', () => {
  const book = openHistoryBook({ isTraced: true, port: 7000 });
  book.add(1, { state: 'FIN-WAIT-2', atMs: 1, ...PORTS });
  book.add(1, { state: 'CLOSED', atMs: 2, ...PORTS });
  book.addAfter(1, { state: 'FIN-WAIT-2', atMs: 3, ...PORTS });
  book.addAfter(1, { state: 'TIME-WAIT', atMs: 4, ...PORTS });
  expect(statesOf(book)).toEqual([['FIN-WAIT-2', 'TIME-WAIT']]);
});

test('of sampled sockets, one that is in no dump any more is closed', () => {
  const book = openHistoryBook({ isTraced: false, port: 7000 });
  book.add(1, { state: 'ESTABLISHED', atMs: 1, ...PORTS });
  book.add(2, { state: 'ESTABLISHED', atMs: 1, ...PORTS });
  book.retain(new Set([2]), 2);
  expect(statesOf(book)).toEqual([['ESTABLISHED', 'CLOSED'], ['ESTABLISHED']]);
});

test('connections of other ports are left out, and ours is known when the kernel has forgotten its port', () => {
  const book = openHistoryBook({ isTraced: true, port: 7000 });
  book.add(1, { state: 'SYN-SENT', atMs: 1, localPort: 0, remotePort: 7000 });
  book.add(1, { state: 'CLOSED', atMs: 2, localPort: 0, remotePort: 0 });
  book.add(2, { state: 'SYN-SENT', atMs: 1, localPort: 40_000, remotePort: 443 });
  book.add(2, { state: 'CLOSED', atMs: 2, localPort: 0, remotePort: 443 });
  expect(statesOf(book)).toEqual([['SYN-SENT', 'CLOSED']]);
});
