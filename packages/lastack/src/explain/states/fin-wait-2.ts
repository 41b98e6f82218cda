import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { StateSubject } from '../subject.ts';

export const finWait2: StateSubject = {
  kind: 'state',
  id: 'FIN-WAIT-2',
  title: 'we have closed, the peer has acknowledged that and not closed',
  alsoCalled: ['FIN_WAIT2', 'FIN_WAIT_2'],
  meaning: [
    'Our FIN is acknowledged, the FIN of the peer is missing. The connection is half closed: the peer may still send. At the other end this is a CLOSE-WAIT.',
    'There are two kinds. A **held** one (after `shutdown`) belongs to a program that may still read. An **orphaned** one (after `close`) has no program, and the kernel limits it.',
  ],
  lasts:
    'held: for ever. Orphaned: `tcp_fin_timeout`, 60 s; the kernel then forgets it and answers a late FIN with a RST. RFC 9293 knows no such limit.',
  normal: [
    'A half-closed request whose answer is on its way. Orphaned ones on a server that closes first, for some seconds each.',
  ],
  fault: [
    'Held for long: the program waits without a time-out for an end that does not come, or has forgotten the socket. Orphaned in thousands: the peers do not close; the fault is there.',
  ],
  findings: ['fin-wait-2-held'],
  fix: FIXES['fin-wait-2-held'],
  see: code`
    ss -tanpo state fin-wait-2   # with users:(…): held. timer:(timewait,…): orphaned
    netstat -tanpo | grep FIN_WAIT2
    lastack ls state fin-wait-2 'age > 10s'
    lastack doctor
  `,
  myths: [
    {
      claim: '"`tcp_fin_timeout` limits FIN-WAIT-2."',
      truth: 'Only the orphaned one. A socket that a program holds has no timer.',
    },
    {
      claim: '"`tcp_fin_timeout` shortens TIME-WAIT."',
      truth: 'It does not: TIME-WAIT lasts 60 s, compiled in.',
    },
  ],
  simulation: {
    shows:
      "The server never closes. After 60 s the client's kernel gives its half up; the server's half stays in CLOSE-WAIT.",
    client: 'closes-first',
    server: 'never-closes',
    until: 600_000,
  },
};
