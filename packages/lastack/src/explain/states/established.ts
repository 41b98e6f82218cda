import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { StateSubject } from '../subject.ts';

export const established: StateSubject = {
  kind: 'state',
  id: 'ESTABLISHED',
  title: 'open: data flows in both directions',
  alsoCalled: ['ESTAB'],
  meaning: [
    "Both ends have each other's sequence numbers. Neither has ended its stream. TCP sends nothing while nobody writes: an idle connection is silent, and may be dead without anybody knowing.",
  ],
  lasts:
    'until one end closes, resets, or gives up: for ever, if nobody sends. Data without acknowledgement is given up after about 925 s (`tcp_retries2` = 15, at the smallest time-out). Keepalive is off unless the program sets `SO_KEEPALIVE`; then a silent peer is given up after 2 h 11 min 15 s by default.',
  normal: ['Thousands, idle ones too: pools, WebSockets, long polls.'],
  fault: [
    'A thread that waits for an answer without a time-out. Send-Q that does not shrink: the peer does not read, or is gone. Recv-Q that does not shrink: this program does not read. A number that only grows: connections are opened and not closed.',
  ],
  findings: [
    'read-hanging',
    'send-stuck',
    'peer-vanished',
    'inherited-socket',
    'fd-limit-near',
    'dead-descriptor',
  ],
  fix: FIXES['read-hanging'],
  see: code`
    ss -tnpo state established             # timer:(keepalive,…), (on,…): repeats, (persist,…): window 0
    ss -tinp state established             # lastsnd, lastrcv, lastack: ms since each
    netstat -tnpo | grep ESTABLISHED
    lastack ls 'state established and recvq > 0' --sort recvq
    lastack doctor
  `,
  myths: [
    {
      claim: '"ESTABLISHED means that the peer is there."',
      truth: 'It means that nobody has said otherwise. Pull the cable and it stays.',
    },
    {
      claim: '"TCP keepalive and HTTP keep-alive are the same."',
      truth: 'One probes whether the peer lives, the other uses a connection for several requests.',
    },
    {
      claim: '"Lower `tcp_keepalive_time`, and dead connections go away."',
      truth:
        'Only for sockets that have `SO_KEEPALIVE`; and the descriptor stays until the program closes it.',
    },
  ],
  simulation: {
    shows: 'A request, an answer, and an orderly end: the client closes first.',
    client: 'half-closes',
    server: 'answers',
  },
};
