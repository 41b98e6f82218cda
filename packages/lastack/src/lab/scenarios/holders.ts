import { CLOSES_AFTER_PEER, NEVER_READS } from '@lastack/core';
import type { Scenario } from '../scenario.ts';
import { GREETS_AND_CLOSES, SPEAKS_AND_LEAVES, SPEAKS_AND_STAYS, STAYS } from './model-programs.ts';
import { client, clients, server } from './parts.ts';

const CLIENTS = 5;
/** What was wrong stays: an entry point that starts helpers and becomes the server, as in many a container image. */
const HELPERS = 'for _ in 1 2 3 4 5 6 7 8; do sleep 0.2 & done';
/** Node has about 20 descriptors open by itself. */
const FEW_DESCRIPTORS = 'ulimit -n 64';

export const HOLDERS: readonly Scenario[] = [
  {
    id: 'copy-in-child',
    title: 'a child that keeps a copy of the connection',
    shows:
      'The server closes, and nothing happens: as long as the child has the socket, no FIN is sent, and the client waits.',
    lookAt: 'ss -tanp: ESTABLISHED, and the program is the child',
    programs: [server('copy-in-child.mjs'), clients(CLIENTS)],
    expect: {
      model: { client: STAYS, server: STAYS },
      findings: [{ rule: 'inherited-socket' }],
    },
  },
  {
    id: 'copy-not-passed-on',
    title: 'the same server, whose children get no copy',
    shows: "The server's close sends the FIN.",
    lookAt: 'ss -tan state time-wait',
    programs: [server('copy-in-child.mjs', '--fixed'), clients(CLIENTS, 'until-end', 'close')],
    expect: { model: { client: CLOSES_AFTER_PEER, server: GREETS_AND_CLOSES }, findings: [] },
  },
  {
    id: 'zombies',
    title: 'children that nobody waits for',
    shows:
      'Node waits for the children that it started, and for no others: an entry point that starts helpers and then becomes the server leaves it children that it does not know.',
    lookAt: 'ps -ef: <defunct>',
    programs: [{ ...server('echo.mjs'), shell: HELPERS }],
    expect: { findings: [{ rule: 'zombie-children', holder: 'server' }] },
  },
  {
    id: 'zombies-waited-for',
    title: 'the same entry point, which waits for its helpers',
    shows: 'A wait before exec, or an init in the container, takes care of them.',
    lookAt: 'ps -ef: no <defunct>',
    programs: [{ ...server('echo.mjs'), shell: `${HELPERS}; wait` }],
    expect: { findings: [] },
  },
  {
    id: 'descriptors-run-out',
    title: 'a server whose descriptors run out',
    shows: 'Of its 64 descriptors clients have nearly all: soon accept(2) fails with EMFILE.',
    lookAt: 'ls /proc/PID/fd | wc -l, and ulimit -n',
    programs: [{ ...server('echo.mjs'), shell: FEW_DESCRIPTORS }, clients(38, 'send', 'read')],
    expect: {
      model: { client: SPEAKS_AND_STAYS, server: STAYS },
      findings: [{ rule: 'fd-limit-near', holder: 'server' }],
    },
  },
  {
    id: 'descriptors-suffice',
    title: 'the same server with few clients',
    shows: 'Open connections are no fault.',
    lookAt: 'ls /proc/PID/fd | wc -l',
    programs: [{ ...server('echo.mjs'), shell: FEW_DESCRIPTORS }, clients(5, 'send', 'read')],
    expect: { model: { client: SPEAKS_AND_STAYS, server: STAYS }, findings: [] },
  },
  {
    id: 'never-accepts',
    title: 'a server that does not accept',
    shows:
      'The kernel completes connections by itself: the clients believe that they are served, and nobody has a descriptor of them.',
    lookAt: 'ss -tln: Recv-Q of the listener is the number of those that wait',
    programs: [server('never-accepts.mjs'), clients(CLIENTS, 'send')],
    expect: {
      model: { client: SPEAKS_AND_STAYS, server: NEVER_READS },
      findings: [{ rule: 'accept-backlog-stalled', holder: 'server' }],
    },
  },
  {
    id: 'accepts',
    title: 'the same server with an event loop that is free',
    shows: 'The queue of the listener is empty.',
    lookAt: 'ss -tln: Recv-Q 0',
    programs: [
      server('never-accepts.mjs', '--fixed'),
      clients(CLIENTS, 'send', 'wait=300', 'close'),
    ],
    expect: { model: { client: SPEAKS_AND_LEAVES, server: CLOSES_AFTER_PEER }, findings: [] },
  },
  {
    id: 'backlog-full',
    title: 'a server that does not accept, with a short queue',
    shows:
      'The queue is full: the kernel ignores SYNs, and clients try again after 1 s, 2 s, 3 s, …',
    lookAt: 'nstat -az TcpExtListenOverflows; ss -tan state syn-sent',
    programs: [server('never-accepts.mjs', '2'), client('connects-for-ever.mjs', '8')],
    expect: {
      findings: [
        { rule: 'listen-overflow', holder: 'server' },
        { rule: 'accept-backlog-stalled', holder: 'server' },
      ],
      besides: ['connect-hanging'],
    },
  },
];
