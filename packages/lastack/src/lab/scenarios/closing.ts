import { CLOSES_AFTER_PEER } from '@lastack/core';
import type { Scenario } from '../scenario.ts';
import {
  CLOSES_WITH_UNREAD_DATA,
  CONNECTS_AND_CLOSES,
  ENDS_AND_CLOSES_AFTER_PEER,
  ENDS_AND_STAYS,
  GREETS_AND_CLOSES,
  SPEAKS_AND_CLOSES_AFTER_PEER,
  SPEAKS_AND_LEAVES,
  SPEAKS_AND_STAYS,
  STAYS,
} from './model-programs.ts';
import { client, clients, server } from './parts.ts';

const CLIENTS = 5;
const HEAR_TO_THE_END = ['until-end', 'close'];

export const CLOSINGS: readonly Scenario[] = [
  {
    id: 'client-closes-first',
    title: 'a client that closes first',
    shows: 'The ordinary case: whoever closes first keeps the TIME-WAIT, here the client.',
    lookAt: 'ss -tano state time-wait: the port of the server is the remote one',
    programs: [server('echo.mjs'), clients(CLIENTS, 'send', 'wait=300', 'close')],
    expect: {
      model: { client: SPEAKS_AND_LEAVES, server: CLOSES_AFTER_PEER },
      findings: [],
      timeWait: { side: 'client', until: 'counting' },
    },
  },
  {
    id: 'time-wait',
    title: 'TIME-WAIT of the side that closes first, here the server',
    shows:
      'TIME-WAIT keeps late segments from the next connection of the same ports. It lasts 60 s, which no setting changes, and is no leak.',
    lookAt: 'ss -tano state time-wait: the timer runs down; no program holds it',
    programs: [server('closes-first.mjs'), clients(CLIENTS, ...HEAR_TO_THE_END)],
    expect: {
      model: { client: CLOSES_AFTER_PEER, server: GREETS_AND_CLOSES },
      findings: [],
      timeWait: { side: 'server', until: 'counting' },
    },
  },
  {
    id: 'time-wait-to-its-end',
    title: 'the same, until it is gone',
    shows: 'After 60 s the kernel forgets the connection.',
    lookAt: 'ss -tano state time-wait: the timer runs down to 0',
    programs: [server('closes-first.mjs'), clients(CLIENTS, ...HEAR_TO_THE_END)],
    isLong: true,
    patienceMs: 80_000,
    expect: {
      model: { client: CLOSES_AFTER_PEER, server: GREETS_AND_CLOSES },
      states: {
        server: ['SYN-RECEIVED', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT', 'CLOSED'],
      },
      findings: [],
      timeWait: { side: 'server', until: 'gone' },
    },
  },
  {
    id: 'restart-refused',
    title: 'a restart that a TIME-WAIT refuses',
    shows:
      'The server closed first, so the TIME-WAIT is on its port: without SO_REUSEADDR bind(2) fails with EADDRINUSE for a minute. Node always sets it, so this program calls the C library.',
    lookAt: 'ss -tan: TIME-WAIT on the port, and nobody listens',
    programs: [server('restart.mjs'), clients(1, ...HEAR_TO_THE_END)],
    expect: {
      model: { client: CLOSES_AFTER_PEER, server: GREETS_AND_CLOSES },
      findings: [],
      says: [{ role: 'server', line: 'refused EADDRINUSE' }],
    },
  },
  {
    id: 'restart-allowed',
    title: 'the same with SO_REUSEADDR',
    shows: 'SO_REUSEADDR lets a server listen on a port with TIME-WAITs, as Node, Go and Java do.',
    lookAt: 'ss -tan: TIME-WAIT on the port, and a listener beside it',
    programs: [server('restart.mjs', '--reuse'), clients(1, ...HEAR_TO_THE_END)],
    expect: {
      model: { client: CLOSES_AFTER_PEER, server: GREETS_AND_CLOSES },
      findings: [],
      says: [{ role: 'server', line: 'restarted' }],
    },
  },
  {
    id: 'close-with-unread-data',
    title: 'a close with unread data',
    shows:
      'close(2) finds data that nobody has read: the kernel sends a RST, and the rest of the answer is lost. The client gets ECONNRESET, or, in Node, an ordinary end: libuv takes a hang-up behind data for one.',
    lookAt: 'ss -tan: nothing is left, not even a TIME-WAIT',
    programs: [server('close-with-unread-data.mjs'), clients(1, 'send', ...HEAR_TO_THE_END)],
    expect: {
      model: { client: SPEAKS_AND_STAYS, server: CLOSES_WITH_UNREAD_DATA },
      findings: [],
      says: [{ role: 'client', line: /^received (?!20000000 )\d+ bytes$/ }],
    },
  },
  {
    id: 'shutdown-then-close',
    title: 'the same answer with shutdown first',
    shows:
      'shutdown(2) sends the FIN behind the answer, the server reads what still comes, and closes when the client has: all bytes arrive.',
    lookAt: 'ss -tan state time-wait',
    programs: [
      server('close-with-unread-data.mjs', '--fixed'),
      clients(1, 'send', ...HEAR_TO_THE_END),
    ],
    expect: {
      model: { client: SPEAKS_AND_CLOSES_AFTER_PEER, server: ENDS_AND_CLOSES_AFTER_PEER },
      findings: [],
      says: [{ role: 'client', line: 'received 20000000 bytes' }],
    },
  },
  {
    id: 'double-close',
    title: 'a descriptor that is closed twice',
    shows:
      'Numbers of descriptors are used again at once: the second close ends a connection of somebody else.',
    lookAt: 'the words of the client: EBADF on a connection that nobody meant to close',
    programs: [server('echo.mjs'), client('double-close.mjs')],
    expect: {
      model: { client: CONNECTS_AND_CLOSES, server: CLOSES_AFTER_PEER },
      findings: [],
      says: [
        { role: 'client', line: 'the number is used again' },
        { role: 'client', line: 'send on the second EBADF' },
      ],
    },
  },
  {
    id: 'use-after-close',
    title: 'a descriptor that is used after its close',
    shows: 'What was written for one peer goes to another, and no call fails.',
    lookAt: 'the words of the client: the second connection got what was meant for the first',
    programs: [server('echo.mjs'), client('double-close.mjs', '--use')],
    expect: {
      model: { client: CONNECTS_AND_CLOSES, server: CLOSES_AFTER_PEER },
      findings: [],
      says: [{ role: 'client', line: 'the second received: for the first' }],
    },
  },
  {
    id: 'closed-twice-in-node',
    title: 'the same with sockets of Node',
    shows: 'An object knows that it is closed: the second close does nothing, and writing fails.',
    lookAt: 'the words of the client',
    programs: [server('echo.mjs'), client('destroy-twice.mjs')],
    expect: {
      model: { client: CONNECTS_AND_CLOSES, server: CLOSES_AFTER_PEER },
      findings: [],
      says: [
        { role: 'client', line: 'write after close ERR_STREAM_DESTROYED' },
        { role: 'client', line: 'the second received: hello' },
      ],
    },
  },
  {
    id: 'close-while-writing',
    title: 'a close while another task writes',
    shows:
      'The client sees an ordinary end of the stream, and has too few bytes: only a length or an end mark in the protocol tells.',
    lookAt: 'the words of the client: too few bytes, and no error',
    programs: [server('close-while-writing.mjs'), clients(1, ...HEAR_TO_THE_END)],
    expect: {
      model: { client: CLOSES_AFTER_PEER, server: GREETS_AND_CLOSES },
      findings: [],
      says: [{ role: 'client', line: /^received (?!20000000 )\d+ bytes$/ }],
    },
  },
  {
    id: 'close-when-written',
    title: 'the same with a close that waits for the write',
    shows:
      "closeGracefully() of @lastack/net sends what is queued, then the FIN, and waits for the client's.",
    lookAt: 'the words of both: every byte has arrived',
    programs: [server('lab-close-when-written.cjs'), clients(1, ...HEAR_TO_THE_END)],
    expect: {
      model: { client: CLOSES_AFTER_PEER, server: GREETS_AND_CLOSES },
      findings: [],
      says: [
        { role: 'client', line: 'received 20000000 bytes' },
        { role: 'server', line: 'write done' },
      ],
    },
  },
  {
    id: 'half-close-held',
    title: 'a half-closed connection that both hold',
    shows:
      'The client has sent its FIN and waits for the end of an answer that never comes: FIN-WAIT-2 of a program that holds it has no time-out.',
    lookAt: 'ss -tanp: FIN-WAIT-2 with a program, and CLOSE-WAIT at the other end',
    programs: [server('waits-for-more.mjs'), clients(CLIENTS, 'send', 'wait=50', 'end')],
    expect: {
      model: { client: ENDS_AND_STAYS, server: STAYS },
      findings: [
        { rule: 'fin-wait-2-held', holder: 'client' },
        { rule: 'close-wait-leak', cause: 'eof-ignored', holder: 'server' },
      ],
    },
  },
  {
    id: 'half-close-answered',
    title: 'a half-closed connection that the server ends',
    shows:
      'shutdown(WR) says "that was all", the server answers and closes: what half-closing is for.',
    lookAt: 'ss -tan state time-wait',
    programs: [server('waits-for-more.mjs', '--fixed'), clients(CLIENTS, 'send', 'wait=50', 'end')],
    quietMs: 12_000,
    expect: { model: { client: ENDS_AND_STAYS, server: CLOSES_AFTER_PEER }, findings: [] },
  },
];
