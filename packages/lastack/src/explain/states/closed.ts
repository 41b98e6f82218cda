import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { StateSubject } from '../subject.ts';

export const closed: StateSubject = {
  kind: 'state',
  id: 'CLOSED',
  title: 'no connection',
  alsoCalled: ['CLOSE', 'UNCONN'],
  meaning: [
    'Where every connection begins and ends: there is none. RFC 9293 calls it fictional, because nothing of it is kept. A segment for it is answered by a RST.',
    'But a *descriptor* may be left: of a socket that never connected, or of a connection that is over (reset, timed out, or killed) and that the program did not close.',
  ],
  lasts: 'a descriptor without connection: until the program closes it, or ends.',
  normal: [
    "A socket between `socket` and `connect`, or between a reset and the program's `close`.",
  ],
  fault: [
    'Descriptors of connections that are over, in numbers that grow. No list of sockets shows them, because the kernel has taken them out of its tables.',
  ],
  findings: ['dead-descriptor', 'fd-limit-near'],
  fix: FIXES['dead-descriptor'],
  see: code`
    ls /proc/PID/fd | wc -l      # many more descriptors…
    ss -tanp | grep -c pid=PID,  # …than sockets; netstat -tanp shows no more
    lastack doctor               # as root: asks the kernel for each descriptor
  `,
  myths: [
    {
      claim: '"Killing a socket (`ss -K`, `lastack kill`) frees the descriptor."',
      truth: 'It does not. The connection goes, the descriptor stays until the program closes it.',
    },
    {
      claim: '"Connection refused means that a firewall blocked it."',
      truth:
        'Mostly that nobody listens: a CLOSED port answers with a RST. A firewall may imitate that, but most drop in silence.',
    },
  ],
  simulation: {
    shows: 'Nobody listens: the SYN meets a CLOSED port, and connect() fails with ECONNREFUSED.',
    client: 'waits',
    server: 'closes-after-peer',
    refuses: true,
  },
};
