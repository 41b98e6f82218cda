import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { StateSubject } from '../subject.ts';

export const finWait1: StateSubject = {
  kind: 'state',
  id: 'FIN-WAIT-1',
  title: 'we have closed; our FIN is not acknowledged yet',
  alsoCalled: ['FIN_WAIT1', 'FIN_WAIT_1'],
  meaning: [
    'The program has called `close` or `shutdown(SHUT_WR)`. The FIN stands behind everything that was written: it waits until all data is sent, and then for its acknowledgement.',
    'After `close` the socket is an orphan: it has no descriptor, no inode and no process, and the kernel finishes it alone.',
  ],
  lasts:
    'one round trip. Without an answer about 102 s for an orphan (`tcp_orphan_retries` = 0 means 8 repetitions, at the smallest time-out), about 925 s for one that a program holds (`tcp_retries2`).',
  normal: ['A few on every busy server; more where clients are mobile.'],
  fault: [
    'A pile: the peers went without a word, or their window is zero and what was written before the FIN cannot leave (Send-Q above 1).',
  ],
  findings: ['peer-vanished', 'orphan-pressure'],
  fix: FIXES['peer-vanished'],
  see: code`
    ss -tnpo state fin-wait-1    # timer:(on,12sec,6): repeated 6 times; Send-Q counts the FIN as one
    netstat -tno | grep FIN_WAIT1
    lastack ls state fin-wait-1
    grep ^TCP: /proc/net/sockstat  # orphan
  `,
  myths: [
    {
      claim: '"`tcp_fin_timeout` ends it."',
      truth: 'That is for an orphaned FIN-WAIT-2. Here `tcp_orphan_retries` counts.',
    },
    {
      claim: '"After `close` the data is delivered or lost at once."',
      truth:
        "`close` returns at once; the kernel goes on sending. Whether the peer got it only an answer of the peer's program tells.",
    },
  ],
  simulation: {
    shows: 'The network is cut before the client closes: the kernel repeats the FIN alone.',
    client: 'closes-soon',
    server: 'never-closes',
    path: { cutAt: 100 },
  },
};
