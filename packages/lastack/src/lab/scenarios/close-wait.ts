import { CLOSES_AFTER_PEER, NEVER_READS } from '@lastack/core';
import type { Scenario } from '../scenario.ts';
import {
  ANSWERS_AND_CLOSES,
  GREETS_AND_CLOSES,
  SPEAKS_AND_CLOSES_AFTER_PEER,
  SPEAKS_AND_LEAVES,
  STAYS,
} from './model-programs.ts';
import { client, clients, server } from './parts.ts';

/** More than a Node process has threads: then the doctor need not ask whether they are handlers at work. */
const CLIENTS = 20;
const LEAVE = ['send', 'wait=300', 'close'];

export const CLOSE_WAITS: readonly Scenario[] = [
  {
    id: 'stuck-server',
    title: 'a server that reads once and spins',
    shows:
      'The client has closed, the handler computes for ever: its end of the stream lies unread, and CLOSE-WAIT lasts as long as the program.',
    lookAt:
      "ss -tanp state close-wait: Recv-Q 1 is the client's FIN, unread; top shows the processor that it uses",
    programs: [server('stuck-server.mjs'), clients(1, ...LEAVE)],
    expect: {
      model: { client: SPEAKS_AND_LEAVES, server: NEVER_READS },
      findings: [{ rule: 'close-wait-leak', cause: 'spinning', holder: 'server' }],
    },
  },
  {
    id: 'stuck-server-fixed',
    title: 'the same server with a loop that ends',
    shows: 'It comes back to its event loop, reads the end of the stream and closes.',
    lookAt: 'ss -tan: nothing but the TIME-WAIT of the client, which closed first',
    programs: [server('stuck-server.mjs', '--fixed'), clients(1, ...LEAVE)],
    expect: { model: { client: SPEAKS_AND_LEAVES, server: CLOSES_AFTER_PEER }, findings: [] },
  },
  {
    id: 'waits-for-more',
    title: 'a server that waits for more data, which never comes',
    shows:
      'It has read the end of the stream, and still waits for the rest of the request: with allowHalfOpen nobody closes for it.',
    lookAt: 'ss -tanp state close-wait: Recv-Q 0, so the program knows of the end',
    programs: [server('waits-for-more.mjs'), clients(CLIENTS, ...LEAVE)],
    expect: {
      model: { client: SPEAKS_AND_LEAVES, server: STAYS },
      findings: [{ rule: 'close-wait-leak', cause: 'eof-ignored', holder: 'server' }],
    },
  },
  {
    id: 'waits-for-more-fixed',
    title: 'the same server, which takes the end for an answer',
    shows: "socket.on('end', () => socket.end()) is all that was missing.",
    lookAt: 'ss -tan: no CLOSE-WAIT',
    programs: [server('waits-for-more.mjs', '--fixed'), clients(CLIENTS, ...LEAVE)],
    expect: { model: { client: SPEAKS_AND_LEAVES, server: CLOSES_AFTER_PEER }, findings: [] },
  },
  {
    id: 'reference-kept',
    title: 'a reference that is kept and forgotten',
    shows:
      'Connections wait in a Map for somebody to serve them. Nobody reads, so nobody learns of their end.',
    lookAt: 'ss -tanp state close-wait: Recv-Q 7 are 6 bytes and the FIN, unread',
    programs: [server('reference-kept.mjs'), clients(CLIENTS, ...LEAVE)],
    expect: {
      model: { client: SPEAKS_AND_LEAVES, server: NEVER_READS },
      findings: [{ rule: 'close-wait-leak', cause: 'not-reading', holder: 'server' }],
    },
  },
  {
    id: 'reference-dropped',
    title: 'the same server, which reads what it keeps',
    shows: 'A connection that is read ends, and takes itself out of the Map.',
    lookAt: 'ss -tan: no CLOSE-WAIT',
    programs: [server('reference-kept.mjs', '--fixed'), clients(CLIENTS, ...LEAVE)],
    expect: { model: { client: SPEAKS_AND_LEAVES, server: CLOSES_AFTER_PEER }, findings: [] },
  },
  {
    id: 'exception-before-close',
    title: 'an exception before the close',
    shows: 'The handler throws, somebody notes it, and the line that closes is never reached.',
    lookAt: 'ss -tanp state close-wait: one more with each bad request',
    programs: [server('exception-before-close.mjs'), clients(CLIENTS, ...LEAVE)],
    expect: {
      model: { client: SPEAKS_AND_LEAVES, server: STAYS },
      findings: [{ rule: 'close-wait-leak', cause: 'eof-ignored', holder: 'server' }],
    },
  },
  {
    id: 'fixed-with-try-finally',
    title: 'the same server, fixed with try/finally',
    shows:
      'The close is in a finally block: the exception passes through it, and the server closes first.',
    lookAt: 'ss -tan: TIME-WAIT of the server, no CLOSE-WAIT',
    programs: [
      server('exception-before-close.mjs', '--finally'),
      clients(CLIENTS, 'send', 'until-end', 'close'),
    ],
    expect: {
      model: { client: SPEAKS_AND_CLOSES_AFTER_PEER, server: ANSWERS_AND_CLOSES },
      findings: [],
    },
  },
  {
    id: 'fixed-with-await-using',
    title: 'the same server, fixed with `await using`',
    shows:
      'The connection belongs to the block of the handler: whoever leaves it, the connection is closed.',
    lookAt: 'ss -tan: TIME-WAIT of the server, no CLOSE-WAIT',
    programs: [server('lab-await-using.cjs'), clients(CLIENTS, 'send', 'until-end', 'close')],
    expect: {
      model: { client: SPEAKS_AND_CLOSES_AFTER_PEER, server: ANSWERS_AND_CLOSES },
      findings: [],
    },
  },
  {
    id: 'client-at-a-prompt',
    title: 'a server that closes first, and a client at a prompt',
    shows:
      'CLOSE-WAIT is no fault of servers only: this client waits for its user, and does not see that the server has gone.',
    lookAt:
      'ss -tanp state close-wait: the client; the server is in FIN-WAIT-2 without a program, for 60 s',
    programs: [server('closes-first.mjs', '500'), client('prompt-client.mjs')],
    expect: {
      model: { client: STAYS, server: GREETS_AND_CLOSES },
      findings: [{ rule: 'close-wait-leak', cause: 'blocked-elsewhere', holder: 'client' }],
    },
  },
  {
    id: 'client-that-notices',
    title: 'the same client, which watches its user and its connection',
    shows:
      'It learns of the end as it comes, says so and closes: the server, which closed first, has the TIME-WAIT.',
    lookAt: 'ss -tan: no CLOSE-WAIT',
    programs: [server('closes-first.mjs', '500'), client('prompt-client.mjs', '--notices')],
    expect: {
      model: { client: CLOSES_AFTER_PEER, server: GREETS_AND_CLOSES },
      findings: [],
      says: [{ role: 'client', line: 'the server has left' }],
    },
  },
];
