import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { StateSubject } from '../subject.ts';

export const closing: StateSubject = {
  kind: 'state',
  id: 'CLOSING',
  title: 'both closed at the same moment, and the FINs crossed',
  alsoCalled: ['CLOSING'],
  meaning: [
    "We have sent a FIN and got the peer's FIN before the acknowledgement of ours (RFC 9293 §3.6, figure 13). Both ends go from here to TIME-WAIT: the only case in which both have it.",
  ],
  lasts:
    'half a round trip or so. Without the acknowledgement the FIN is repeated as in FIN-WAIT-1: about 102 s for an orphan, about 925 s for one that a program holds.',
  normal: ['Hardly ever seen: both ends must close within one trip of a packet.'],
  fault: ['Several that stay: the acknowledgements do not come back, so the path is cut.'],
  findings: ['peer-vanished', 'orphan-pressure'],
  fix: FIXES['peer-vanished'],
  see: code`
    ss -tnpo state closing       # timer:(on,…): the FIN is being repeated
    netstat -tno | grep CLOSING
    lastack ls state closing
    lastack doctor
  `,
  myths: [
    {
      claim: '"CLOSING is the state of every connection that closes."',
      truth: 'Only of those whose FINs crossed. The others go through FIN-WAIT-2 or CLOSE-WAIT.',
    },
  ],
  simulation: {
    shows: 'Each FIN is sent before the other one arrives.',
    client: 'closes-soon',
    server: 'closes-soon',
  },
};
