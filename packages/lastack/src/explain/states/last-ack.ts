import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { StateSubject } from '../subject.ts';

export const lastAck: StateSubject = {
  kind: 'state',
  id: 'LAST-ACK',
  title: 'both have closed; our FIN is not acknowledged yet',
  alsoCalled: ['LAST_ACK'],
  meaning: [
    'The peer closed first, then we did. Our FIN is sent, and its acknowledgement is the last segment that we wait for. Then the connection is gone at once: the end that closes second has no TIME-WAIT.',
    'A socket that is stuck in CLOSE-WAIT never reaches it.',
  ],
  lasts:
    'one round trip. Without the ACK the FIN is repeated: about 102 s for an orphan (`tcp_orphan_retries` = 0 means 8), about 925 s for one that a program holds (`tcp_retries2`).',
  normal: ['A few, for milliseconds.'],
  fault: [
    "A pile: nobody answers the FINs. Often the program closed too late: the peer's host is gone meanwhile, or a firewall has forgotten the connection and drops what belongs to none. (A peer that is there and has forgotten it answers with a RST, which ends LAST-ACK at once.)",
  ],
  findings: ['peer-vanished', 'orphan-pressure'],
  fix: FIXES['peer-vanished'],
  see: code`
    ss -tnpo state last-ack      # timer:(on,12sec,6): repeated 6 times
    netstat -tno | grep LAST_ACK
    lastack ls state last-ack
    lastack doctor
  `,
  myths: [
    {
      claim: '"LAST-ACK is a leak of the program."',
      truth: 'The program has closed. What is missing is the answer of the network or the peer.',
    },
    {
      claim: '"`tcp_fin_timeout` shortens it."',
      truth: '`tcp_orphan_retries` does, for all orphans of the host.',
    },
  ],
  simulation: {
    shows: "The ACK of the server's FIN is lost: the FIN is sent again, and answered again.",
    client: 'half-closes',
    server: 'closes-after-peer',
    path: { loss: 0.2 },
    seed: 2,
  },
};
