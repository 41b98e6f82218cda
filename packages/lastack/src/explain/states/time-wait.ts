import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { StateSubject } from '../subject.ts';

export const timeWait: StateSubject = {
  kind: 'state',
  id: 'TIME-WAIT',
  title: 'over, and remembered for 60 s: the end that closed first has it',
  alsoCalled: ['TIME_WAIT'],
  meaning: [
    'Both sides have closed and both FINs are acknowledged. The end that closed first keeps the pair of addresses and ports for a while (RFC 9293 §3.6.1), for two reasons:',
    {
      list: [
        'Its last ACK may be lost. Then the peer sends its FIN again, and must be answered.',
        'Late copies of old segments may still be on their way. They must die before the same ports are used again, or a new connection could take them for its own bytes.',
      ],
    },
  ],
  lasts:
    '60 s on Linux, compiled in (`TCP_TIMEWAIT_LEN`); no sysctl changes it. RFC 9293: 2 MSL, 4 minutes. Less only by a new SYN (RFC 6191), a RST (unless `tcp_rfc1337` = 1), or `tcp_max_tw_buckets`.',
  normal: [
    'Tens of thousands. Each is a small record of about 256 bytes without descriptor, process or buffer. On a server they use up no port.',
  ],
  fault: [
    'Only on the end that connects: from half of the local ports towards one destination on, `connect` gets slow; at the end it fails with `EADDRNOTAVAIL`. Or more than `tcp_max_tw_buckets`: the kernel drops some.',
  ],
  findings: ['port-exhaustion', 'time-wait-overflow', 'obsolete-sysctl'],
  fix: FIXES['port-exhaustion'],
  see: code`
    ss -tano state time-wait     # timer:(timewait,43sec,0): what is left
    netstat -tano | grep TIME_WAIT
    lastack ls --summary state time-wait
    lastack plan --rate 500      # connections a second until the ports run out
  `,
  myths: [
    {
      claim: '"`tcp_fin_timeout` shortens TIME-WAIT."',
      truth: 'It does not: it is the time of an orphaned FIN-WAIT-2.',
    },
    {
      claim: '"Set `tcp_tw_recycle`."',
      truth:
        'It is gone since Linux 4.12. Before, it dropped clients behind one address (NAT) at random.',
    },
    {
      claim: '"`tcp_tw_reuse` is dangerous", or "helps a server".',
      truth:
        'It lets *outgoing* connections take over the port after 1 s, safe by time stamps. 2, the default, means loopback only. It does nothing for incoming ones.',
    },
    {
      claim: '"`SO_LINGER` 0 is the cure."',
      truth: 'It sends a RST, and loses what is on its way.',
    },
    {
      claim: '"TIME-WAITs use up descriptors."',
      truth: 'They have none: "too many open files" has another cause.',
    },
  ],
  simulation: {
    shows: 'The last ACK is lost; TIME-WAIT is there to answer the FIN that comes again.',
    client: 'half-closes',
    server: 'closes-after-peer',
    path: { loss: 0.2 },
    seed: 2,
  },
};
