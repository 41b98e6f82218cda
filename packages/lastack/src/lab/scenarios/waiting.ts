import { CLOSES_AFTER_PEER, NEVER_READS } from '@lastack/core';
import type { LabProgram, Scenario } from '../scenario.ts';
import { SPEAKS_AND_LEAVES, SPEAKS_AND_STAYS, STAYS } from './model-programs.ts';
import { client, clients, server } from './parts.ts';

const LIMITS = { connect: 500, headers: 1000, read: 1000, total: 3000 };

/** A client that has a limit on every phase, and says which one was reached. */
function limitedClient(limits: Readonly<Record<string, number>> = LIMITS): LabProgram {
  return client('lab-http-client.cjs', JSON.stringify(limits));
}

export const WAITS: readonly Scenario[] = [
  {
    id: 'connect-hanging',
    title: 'connecting to nobody, without a time-out',
    shows: 'The SYNs are lost: connect(2) goes on for two minutes and more, as the kernel is set.',
    lookAt: 'ss -tano state syn-sent',
    programs: [server('silent-host.mjs'), client('connects-for-ever.mjs', '3')],
    expect: {
      states: { client: ['SYN-SENT'] },
      findings: [{ rule: 'connect-hanging', holder: 'client' }],
    },
  },
  {
    id: 'http-connect-timeout',
    title: 'the same with a limit on connecting',
    shows: 'request() of @lastack/net gives up after 500 ms, and nothing is left.',
    lookAt: 'the words of the client',
    programs: [server('silent-host.mjs'), limitedClient()],
    expect: {
      states: { client: ['SYN-SENT', 'CLOSED'] },
      findings: [],
      says: [{ role: 'client', line: 'error ConnectTimeoutError' }],
    },
  },
  {
    id: 'http-refused',
    title: 'nobody listens',
    shows: 'A RST answers the SYN: this error comes at once, and is no time-out.',
    lookAt: 'the words of the client',
    programs: [limitedClient()],
    expect: {
      model: { client: STAYS, server: STAYS, refuses: true },
      states: { server: null },
      findings: [],
      says: [{ role: 'client', line: 'error ConnectionRefusedError' }],
    },
  },
  {
    id: 'read-hanging',
    title: 'waiting for an answer without a time-out',
    shows:
      'The server is silent, and recv(2) waits for ever; without keepalive it waits for a dead host, too.',
    lookAt: 'ss -tano: ESTABLISHED, and no timer; cat /proc/PID/task/*/syscall',
    programs: [server('keep-alive-server.mjs', '--none'), client('read-without-timeout.mjs')],
    expect: {
      model: { client: SPEAKS_AND_STAYS, server: STAYS },
      findings: [{ rule: 'read-hanging', holder: 'client' }],
    },
  },
  {
    id: 'http-headers-timeout',
    title: 'a server that takes the request and says nothing, and a client with limits',
    shows: 'The limit on the head of the answer ends the wait, and closes the connection.',
    lookAt: 'the words of the client',
    programs: [server('delay-server.mjs', 'no-head'), limitedClient()],
    expect: {
      model: { client: SPEAKS_AND_LEAVES, server: CLOSES_AFTER_PEER },
      findings: [],
      says: [{ role: 'client', line: 'error HeadersTimeoutError' }],
    },
  },
  {
    id: 'http-read-timeout',
    title: 'a server that stops in the middle of the answer, and a client with limits',
    shows: 'The limit on the time between two pieces of the answer.',
    lookAt: 'the words of the client',
    programs: [server('delay-server.mjs', 'no-body'), limitedClient()],
    expect: {
      model: { client: SPEAKS_AND_LEAVES, server: CLOSES_AFTER_PEER },
      findings: [],
      says: [{ role: 'client', line: 'error ReadTimeoutError' }],
    },
  },
  {
    id: 'http-slow-drip',
    title: 'a server that sends a byte every 100 ms, and a client with limits',
    shows:
      'No limit between two pieces is ever reached: only the limit on all of it ends a slow drip.',
    lookAt: 'the words of the client',
    programs: [server('delay-server.mjs', 'drip'), limitedClient()],
    expect: {
      findings: [],
      says: [{ role: 'client', line: 'error TotalTimeoutError' }],
    },
  },
  {
    id: 'http-in-time',
    title: 'a server that answers at once, and the same client',
    shows: 'Limits do no harm.',
    lookAt: 'the words of the client',
    programs: [server('delay-server.mjs', 'at-once'), limitedClient()],
    expect: { findings: [], says: [{ role: 'client', line: 'answered 1000 bytes' }] },
  },
  {
    id: 'send-stuck',
    title: 'sending to a client that does not read',
    shows: "The client's window is 0, both buffers are full, and send(2) waits without a time-out.",
    lookAt: 'ss -tano: Send-Q, and the timer persist',
    programs: [server('send-to-deaf.mjs'), clients(1, 'deaf')],
    patienceMs: 40_000,
    expect: {
      model: { client: NEVER_READS, server: SPEAKS_AND_STAYS },
      findings: [{ rule: 'send-stuck', holder: 'server' }],
    },
  },
  {
    id: 'send-fits',
    title: 'the same with an answer that fits the buffers',
    shows: 'A reader may pause: what is sent waits with the client.',
    lookAt: 'ss -tan: Recv-Q of the client',
    programs: [server('send-to-deaf.mjs', '--small'), clients(1, 'deaf')],
    quietMs: 12_000,
    expect: { model: { client: NEVER_READS, server: SPEAKS_AND_STAYS }, findings: [] },
  },
];
