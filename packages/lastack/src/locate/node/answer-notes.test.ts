import { describe, expect, test } from 'vitest';
import { notesOfSockets, type SocketWithoutLine } from './answer-notes.ts';

const SOCKET: SocketWithoutLine = {
  fd: 20,
  client: null,
  isUnread: false,
  pool: null,
  package: null,
  server: null,
};

describe('notesOfSockets()', () => {
  test('says once what is the same of many sockets, and shows a few of them in order', () => {
    const sockets = Array.from({ length: 10 }, (_, i) => ({
      ...SOCKET,
      fd: 30 - i,
      client: 'fetch' as const,
      isUnread: true,
    }));
    expect(notesOfSockets(sockets)).toEqual([
      expect.stringMatching(
        /^descriptors 21, 22, 23, 24, 25, 26, 27, 28 and 2 more: an answer that nobody has read to its end; which line called fetch\(\) cannot/,
      ),
    ]);
  });

  test('tells a request without an answer, a pool, a package and a server apart', () => {
    const notes = notesOfSockets([
      { ...SOCKET, client: 'http' },
      { ...SOCKET, pool: 'http.globalAgent' },
      { ...SOCKET, package: 'pg-protocol' },
      { ...SOCKET, package: 'fastify', server: 0 },
    ]);
    expect(notes).toEqual([
      expect.stringMatching(/^descriptor 20: a request without an answer; .* http\.get\(\)/),
      expect.stringMatching(/^descriptor 20: idle in http\.globalAgent; .* `lastack run -- …`/),
      expect.stringMatching(/^descriptor 20: only code of the package pg-protocol listens; /),
      expect.stringMatching(/^descriptor 20: accepted by a server of the package fastify, /),
    ]);
  });

  test('is silent about a socket of which nothing is known', () => {
    expect(notesOfSockets([SOCKET])).toEqual([]);
  });
});
