import type { TcpState } from '@lastack/core';
import type { Scenario } from '../scenario.ts';
import { GREETS_AND_CLOSES, SPEAKS_AND_CLOSES_AFTER_PEER, STAYS } from './model-programs.ts';
import { clients, server } from './parts.ts';

const CLIENTS = 6;
const ACCEPTED: readonly TcpState[] = ['SYN-RECEIVED', 'ESTABLISHED'];
const CONNECTED: readonly TcpState[] = ['SYN-SENT', 'ESTABLISHED'];
const LOOK = 'ss -tano: the timer of retransmission, and how often it has fired';

/** The clients vanish: a filter on their sockets takes nothing that arrives, as if the cable had been cut. */
export const VANISHED: readonly Scenario[] = [
  {
    id: 'vanished-in-fin-wait-1',
    title: 'clients that vanish before the server closes',
    shows:
      'The FIN of the server is repeated and nobody acknowledges it. No program holds the connection any more; the kernel gives up after minutes.',
    lookAt: LOOK,
    programs: [server('closes-first.mjs', '800'), clients(CLIENTS, 'send', 'wait=300', 'vanish')],
    expect: {
      states: { client: CONNECTED, server: [...ACCEPTED, 'FIN-WAIT-1'] },
      findings: [{ rule: 'peer-vanished' }],
    },
  },
  {
    id: 'vanished-in-last-ack',
    title: 'clients that close and vanish before the server closes',
    shows: 'The server closes after its clients, and the last acknowledgement never comes.',
    lookAt: LOOK,
    programs: [
      server('closes-first.mjs', '800'),
      clients(CLIENTS, 'send', 'end', 'wait=300', 'vanish'),
    ],
    expect: {
      states: {
        client: [...CONNECTED, 'FIN-WAIT-1', 'FIN-WAIT-2'],
        server: [...ACCEPTED, 'CLOSE-WAIT', 'LAST-ACK'],
      },
      findings: [{ rule: 'peer-vanished' }],
    },
  },
  {
    id: 'vanished-in-closing',
    title: 'clients that vanish while both close',
    shows: 'Both have sent a FIN, and the one of the server is never acknowledged: CLOSING.',
    lookAt: LOOK,
    programs: [
      server('closes-first.mjs', '800'),
      clients(CLIENTS, 'send', 'wait=300', 'vanish', 'wait=1000', 'close'),
    ],
    expect: {
      states: {
        client: [...CONNECTED, 'FIN-WAIT-1'],
        server: [...ACCEPTED, 'FIN-WAIT-1', 'CLOSING'],
      },
      findings: [{ rule: 'peer-vanished' }],
    },
  },
  {
    id: 'not-vanished',
    title: 'the same clients, which stay',
    shows: 'Every FIN is acknowledged, and the server, which closes first, has the TIME-WAITs.',
    lookAt: 'ss -tan state time-wait',
    programs: [server('closes-first.mjs', '800'), clients(CLIENTS, 'send', 'until-end', 'close')],
    expect: {
      model: { client: SPEAKS_AND_CLOSES_AFTER_PEER, server: GREETS_AND_CLOSES },
      findings: [],
    },
  },
  {
    id: 'vanished-unnoticed',
    title: 'clients that vanish, and a server that never asks',
    shows:
      'A connection without traffic looks the same whether its peer lives or not: without keepalive or a time-out it stays for ever, and nobody can tell.',
    lookAt: 'ss -tano: ESTABLISHED, and no timer',
    programs: [server('keep-alive-server.mjs', '--none'), clients(CLIENTS, 'vanish')],
    expect: { model: { client: STAYS, server: STAYS }, findings: [] },
  },
  {
    id: 'keepalive-notices',
    title: 'the same with keepalive',
    shows:
      'The kernel asks after a second of silence, ten times, and drops the connection; the program gets ETIMEDOUT and closes.',
    lookAt: 'ss -tano: the keepalive timer, then nothing',
    programs: [server('keep-alive-server.mjs'), clients(CLIENTS, 'vanish')],
    patienceMs: 40_000,
    expect: {
      states: { client: CONNECTED, server: [...ACCEPTED, 'CLOSED'] },
      findings: [],
      says: [{ role: 'server', line: 'error ETIMEDOUT' }],
    },
  },
  {
    id: 'keepalive-hides-a-leak',
    title: 'keepalive that hides a leak',
    shows:
      'The connections are gone from ss, their descriptors are not: a program that never looks at them keeps them until it has no more.',
    lookAt: 'ss -tan shows none of the server; ls -l /proc/PID/fd shows its sockets',
    programs: [server('keep-alive-server.mjs', '--unread'), clients(CLIENTS, 'vanish')],
    needsBpf: true,
    patienceMs: 40_000,
    expect: {
      states: { client: CONNECTED, server: [...ACCEPTED, 'CLOSED'] },
      findings: [{ rule: 'dead-descriptor', holder: 'server' }],
    },
  },
];
