import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { StateSubject } from '../subject.ts';

export const listen: StateSubject = {
  kind: 'state',
  id: 'LISTEN',
  title: 'a port that takes connections',
  alsoCalled: ['LISTEN'],
  meaning: [
    'A program has called `listen` and its port waits for SYNs. It is no connection: it has no peer, and sends nothing by itself. Each SYN makes a connection of its own, and the listener stays as it is.',
    'The kernel completes the handshake without the program and puts the connection into the accept queue. `accept` only takes it out. So a client can be connected to a program that never looked.',
  ],
  lasts: 'until the program closes the socket or ends.',
  normal: [
    'Recv-Q 0, or above it for moments. For a listener Recv-Q is the number of connections that wait for `accept`, and Send-Q the limit of that queue.',
  ],
  fault: [
    'Recv-Q stays above 0: the program does not accept. Recv-Q above Send-Q: the queue is full and the kernel drops what comes, so connects take whole seconds.',
  ],
  findings: ['accept-backlog-stalled', 'listen-overflow'],
  fix: FIXES['accept-backlog-stalled'],
  see: code`
    ss -ltnp                    # Recv-Q: waiting; Send-Q: the limit; who listens
    netstat -ltnp               # the same without the limit
    lastack ls state listen     # every holder of the listener
    nstat -az TcpExtListenOverflows TcpExtListenDrops
  `,
  myths: [
    {
      claim: '"The backlog limits how many clients can be connected."',
      truth: 'It limits how many wait for `accept`. Those that were accepted do not count.',
    },
    {
      claim: '"A greater `listen(n)` is enough."',
      truth: 'The smaller of it and `net.core.somaxconn` counts, taken when `listen` is called.',
    },
    {
      claim: '"Restarting fails with EADDRINUSE because somebody still listens."',
      truth:
        'Or because of connections of the old process, TIME-WAIT included: set `SO_REUSEADDR` before `bind`, as servers should.',
    },
  ],
  simulation: {
    shows: 'The listener answers the SYN; what follows is a connection of its own.',
    client: 'half-closes',
    server: 'answers',
  },
};
