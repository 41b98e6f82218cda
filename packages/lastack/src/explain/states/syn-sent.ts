import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { StateSubject } from '../subject.ts';

export const synSent: StateSubject = {
  kind: 'state',
  id: 'SYN-SENT',
  title: 'connect() waits for an answer',
  alsoCalled: ['SYN_SENT'],
  meaning: [
    'The program has called `connect`, a SYN is on its way, and nothing has come back. A SYN ACK opens the connection; a RST ends it at once with `ECONNREFUSED`; silence means that the SYN is sent again.',
  ],
  lasts:
    'one round trip. Without an answer 131 s: SYNs after 1, 2, 3, 4 and 5 s (`tcp_syn_linear_timeouts`, Linux 6.5), then after 7, 11, 19, 35 and 67 s (`tcp_syn_retries` = 6 more in all), then `ETIMEDOUT`. Before Linux 6.5: 127 s.',
  normal: ['A few, for milliseconds. One repetition: a SYN was lost.'],
  fault: [
    'The same destination for seconds: somebody drops the packets. Many at a time: a pool, or a queue of requests, waits for a host that is gone.',
  ],
  findings: ['connect-hanging'],
  fix: FIXES['connect-hanging'],
  see: code`
    ss -tnpo state syn-sent     # timer:(on,14sec,4): 4 repetitions, the next in 14 s
    netstat -tnpo | grep SYN_SENT
    lastack ls state syn-sent
    lastack doctor
  `,
  myths: [
    {
      claim: '"Connection timed out means that the server is slow."',
      truth:
        "The server's kernel answers SYNs, not its program. Silence is a firewall, a dead host, a wrong address or a full accept queue.",
    },
    {
      claim: '"A closed port gives a time-out."',
      truth: 'It gives a RST, and `ECONNREFUSED` at once. Only a dropped packet gives silence.',
    },
  ],
  simulation: {
    shows: 'Nobody answers: the SYN is repeated, at last connect() fails with ETIMEDOUT.',
    client: 'waits',
    server: 'closes-after-peer',
    path: { loss: 1 },
  },
};
