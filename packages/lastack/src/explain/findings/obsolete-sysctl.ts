import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const obsoleteSysctl: FindingSubject = {
  kind: 'finding',
  id: 'obsolete-sysctl',
  title: 'a setting of an old guide that does nothing, or harm',
  meaning: [
    'The sysctl configuration has a line that does not do what it is set for. lastack names file and line. It reports only what is certain for the kernel that runs:',
    {
      head: ['setting', 'truth'],
      rows: [
        [
          '`net.ipv4.tcp_tw_recycle` = 1, Linux before 4.12',
          '**critical**: drops connections of clients that share an address',
        ],
        [
          '`net.ipv4.tcp_tw_recycle` ≠ 0, Linux 4.12 and later',
          'gone; `sysctl -p` fails with "No such file or directory"',
        ],
        [
          '`net.ipv4.tcp_tw_reuse` ≠ 0 while `tcp_timestamps` = 0',
          'without effect: only a TIME-WAIT with time stamps can be reused',
        ],
        [
          '`net.ipv4.tcp_max_tw_buckets` below 1,000',
          'does not shorten TIME-WAIT: connections are closed without one',
        ],
        ['`net.ipv4.tcp_fack` ≠ 0, Linux 4.15 and later', 'without effect; RACK has replaced it'],
        [
          '`net.ipv4.tcp_low_latency` ≠ 0, Linux 4.14 and later',
          'without effect; what it switched off is gone',
        ],
      ],
    },
  ],
  reported: [],
  causes: [
    'Tuning guides live longer than kernels. Most of these lines are copied "against TIME-WAIT". TIME-WAIT lasts 60 s (`TCP_TIMEWAIT_LEN`), compiled in; no sysctl changes it.',
    '`tcp_tw_recycle` made the kernel remember the newest time stamp of each *address* and drop what looked older. Machines behind a NAT or a load balancer share an address and have clocks of their own, so some could not connect, at random. Since Linux 4.10 time stamps start anywhere for each connection, which broke it for everybody; 4.12 removed it.',
  ],
  see: code`
    grep -rnE 'tcp_(tw_recycle|tw_reuse|max_tw_buckets|fack|low_latency)' /etc/sysctl.conf /etc/sysctl.d /run/sysctl.d /usr/lib/sysctl.d
    sysctl net.ipv4.tcp_tw_reuse net.ipv4.tcp_timestamps net.ipv4.tcp_max_tw_buckets
    nstat -az TcpExtPAWSPassive     # Linux before 4.12: SYNs that tcp_tw_recycle dropped
    lastack doctor
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['obsolete-sysctl'],
    first: [],
    samples: [
      {
        language: 'host',
        note: 'delete the lines, then',
        code: code`
        sysctl -w net.ipv4.tcp_tw_recycle=0            # Linux before 4.12, at once
        sysctl -w net.ipv4.tcp_timestamps=1
        sysctl --system
      `,
        after:
          'What the lines were meant for has a cure in the program: keep connections open and use them again. See [port-exhaustion](port-exhaustion.md) for Node, Python, Go and Java.',
      },
    ],
  },
  normal: [
    {
      list: [
        '`tcp_fin_timeout`: the time that an **orphaned FIN-WAIT-2** is kept. A lower value is harmless and changes no TIME-WAIT.',
        '`tcp_tw_reuse=1`: works, for outgoing connections, with time stamps. Default: 2, loopback only.',
        '`tcp_tw_recycle=0` in a file: no harm.',
      ],
    },
    'lastack is silent about these.',
  ],
  myths: [
    {
      claim: '"TIME-WAIT must be got rid of."',
      truth:
        'It costs 256 bytes and no descriptor. It matters only where this host [runs out of ports](port-exhaustion.md) towards one destination.',
    },
    { claim: '"`tcp_tw_reuse` helps a server."', truth: 'It concerns outgoing connections only.' },
    {
      claim: '"`tcp_timestamps=0` is faster."',
      truth: 'It takes away reuse, PAWS, and better round-trip times.',
    },
  ],
  limits: [
    "lastack reads sysctl.conf(5) and the folders of sysctl.d(5), not what tuned, Ansible, init scripts or a container runtime set. In a container the files are the image's, and nobody applies them.",
  ],
  simulation: null,
};
