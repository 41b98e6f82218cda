import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const timeWaitOverflow: FindingSubject = {
  kind: 'finding',
  id: 'time-wait-overflow',
  title: 'the kernel drops TIME-WAITs',
  meaning: [
    'The kernel has as many TIME-WAITs as it may keep, or 90 % of them. One more connection that closes gets none: it is forgotten at once, and counted in `TcpExtTCPTimeWaitOverflow`.',
    "That is a warning, not a disaster. What is lost is the protection that TIME-WAIT gives: the peer's repeated FIN is answered with a reset, and a late segment can meet a new connection of the same addresses and ports.",
  ],
  reported: [],
  causes: [
    {
      list: [
        '`net.ipv4.tcp_max_tw_buckets` was lowered, as many guides advise "against TIME-WAIT". The kernel\'s documentation says not to.',
        'Very many short connections: 60 s × rate. A limit of 262,144 is full at 4,370 connections a second that this host closes first.',
        'A network namespace of its own: it has its own limit and its own count.',
      ],
    },
  ],
  see: code`
    sysctl net.ipv4.tcp_max_tw_buckets
    grep ^TCP: /proc/net/sockstat              # tw: counted against the limit, IPv4 and IPv6 together
    nstat -az TcpExtTCPTimeWaitOverflow        # since the last nstat
    ss -Htan state time-wait | wc -l           # 60 s ones; orphaned FIN-WAIT-2 count, too
    dmesg | grep 'time wait bucket table overflow'   # older kernels
    lastack doctor --for 10s
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['time-wait-overflow'],
    first: ['Close fewer connections: keep them and use them again. Then put the limit back.'],
    samples: [
      {
        language: 'host',
        code: code`
        grep -rn tcp_max_tw_buckets /etc/sysctl.conf /etc/sysctl.d   # delete the line
        sysctl -w net.ipv4.tcp_max_tw_buckets=262144                 # 256 bytes each: 64 MiB
      `,
      },
      {
        language: 'Node',
        code: code`
        server.keepAliveTimeout = 65_000; // longer than the load balancer's idle time-out: then it closes first
        const agent = new http.Agent({ keepAlive: true });
      `,
      },
      {
        language: 'Python',
        code: code`
        session = requests.Session()   # one for the process
      `,
      },
      {
        language: 'Go',
        code: code`
        transport.MaxIdleConnsPerHost = 100 // 2 by default; the others are closed after each request
      `,
      },
      {
        language: 'Java',
        code: code`
        static final HttpClient CLIENT = HttpClient.newHttpClient(); // one for the process
      `,
      },
    ],
  },
  normal: [
    'Tens of thousands of TIME-WAITs. They hold no descriptor, no buffer and, on a server, no port.',
  ],
  myths: [
    {
      claim: '"A small `tcp_max_tw_buckets` shortens TIME-WAIT."',
      truth: 'It does away with it, for whoever comes too late.',
    },
    {
      claim: '"`tcp_fin_timeout` is the time of TIME-WAIT."',
      truth: 'It is that of orphaned FIN-WAIT-2. TIME-WAIT lasts 60 s, compiled in.',
    },
    {
      claim: '"`tcp_tw_reuse` removes them."',
      truth: 'It lets outgoing connections take over their ports; they count until then.',
    },
  ],
  limits: [
    'A total since the host was started is history: the counter must grow while lastack watches. With `--for 0` only the count against the limit is judged. Counters and limit are those of one network namespace.',
  ],
  simulation: {
    shows:
      'Without a TIME-WAIT: the last ACK is lost, and the FIN that is sent again meets nobody. The server gets a RST after an orderly end.',
    client: 'half-closes',
    server: 'closes-after-peer',
    path: { loss: 0.2 },
    seed: 2,
    options: { timeWait: 0 },
  },
};
