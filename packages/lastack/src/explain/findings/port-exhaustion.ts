import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const portExhaustion: FindingSubject = {
  kind: 'finding',
  id: 'port-exhaustion',
  title: 'no ports left towards one destination',
  meaning: [
    'A host has used half or more (critical from 90 % on) of the local ports that `connect` may choose for one source address, one destination address and one destination port. At the end `connect` fails with `EADDRNOTAVAIL`, "cannot assign requested address". Long before, it gets slow: it tries the ports of one parity first, and past one half it searches longer and longer.',
    'The range is `net.ipv4.ip_local_port_range` (32768–60999 by default: 28,232 ports) without `ip_local_reserved_ports`. The same port serves any number of destinations, so the limit holds for each destination by itself.',
  ],
  reported: [
    {
      list: [
        'Every connection that this host opened counts: live, closing, and in TIME-WAIT.',
        'A TIME-WAIT does not count when `net.ipv4.tcp_tw_reuse` gives its port away: 1 = to all outgoing connections, 2 (the default) = on loopback only; after `tcp_tw_reuse_delay` (1 s); only with `tcp_timestamps`. So a test on loopback never shows what happens between two hosts.',
        'Connections that came in do not count: they all have the port of the listener.',
      ],
    },
    'The end that closes first keeps the TIME-WAIT, for 60 s. So the range allows about 28,232 / 60 = **470 connections a second** to one destination, if they are opened and closed by this host.',
  ],
  causes: [
    {
      list: [
        'A connection for each request: no keep-alive, no pool, or a pool that keeps fewer idle connections than requests run at a time, and closes the rest (Go keeps 2 for each host by default).',
        'A proxy with one upstream address and one source address.',
        'Connections that leak, on this end or the other: see [close-wait-leak](close-wait-leak.md).',
        '**bind before connect.** `bind((address, 0))` must find a port that is free for *all* destinations, because it does not know the destination. lastack recognises it: 60 % of the range or more are used from one source, no destination has more than half, and no port is used twice. `connect` alone would have shared ports among the destinations before it took so many.',
      ],
    },
  ],
  see: code`
    sysctl net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports net.ipv4.tcp_tw_reuse
    ss -tanH 'dst 10.0.3.7 and dport = :6379' | awk '{print $1}' | sort | uniq -c
    lastack ls --summary 'dst 10.0.3.7:6379'
    lastack doctor
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['port-exhaustion'],
    first: ['First use connections again; then widen.'],
    samples: [
      {
        language: 'host',
        code: code`
        sysctl -w net.ipv4.tcp_tw_reuse=1                          # outgoing connections only, safe with time stamps
        sysctl -w net.ipv4.ip_local_port_range="15000 64999"       # ends of different parity
        sysctl -w net.ipv4.ip_local_reserved_ports=15672,50051     # ports of servers in the range
      `,
        after: 'More source addresses or more destination addresses multiply the ports.',
      },
      {
        language: 'Node',
        note: "(keep-alive is the default agent's since Node 19)",
        code: code`
        const agent = new http.Agent({ keepAlive: true, maxSockets: 100 });
      `,
      },
      {
        language: 'Python',
        code: code`
        session = requests.Session()                   # one for the process, not requests.get()
        sock.setsockopt(socket.IPPROTO_IP, 24, 1)      # IP_BIND_ADDRESS_NO_PORT, before bind((address, 0))
      `,
      },
      {
        language: 'Go',
        code: code`
        transport := http.DefaultTransport.(*http.Transport).Clone()
        transport.MaxIdleConnsPerHost = 100
        client := &http.Client{Transport: transport} // one for the process
        defer response.Body.Close()
        io.Copy(io.Discard, response.Body) // unread bodies close the connection
      `,
      },
      {
        language: 'Java',
        code: code`
        static final HttpClient CLIENT = HttpClient.newHttpClient(); // one for the process; read each body to its end
      `,
        after:
          'nginx: `keepalive` in the `upstream`, with `proxy_http_version 1.1` and an empty `Connection` header.',
      },
    ],
  },
  normal: [
    'Thousands of TIME-WAITs on a client are, as long as they are less than half of the range for each destination. On a server they cost no port at all.',
  ],
  myths: [
    {
      claim: '"Lower `tcp_fin_timeout`."',
      truth: 'It is the time of orphaned FIN-WAIT-2. TIME-WAIT is compiled in: 60 s.',
    },
    {
      claim: '"Set `tcp_tw_recycle`."',
      truth:
        'It broke clients behind NAT and was removed in Linux 4.12: [obsolete-sysctl](obsolete-sysctl.md).',
    },
    {
      claim: '"A host can have 65,535 connections."',
      truth: 'Ports are counted for each source, destination and destination port.',
    },
    { claim: '"SO_REUSEADDR helps."', truth: 'It is for `bind`, not for the choice of `connect`.' },
  ],
  limits: [
    'The settings are those of one network namespace; other namespaces are "unknown" until looked at (`--netns PID`). That a TIME-WAIT can be reused is taken from the settings: a peer without time stamps makes it false. A range that a program sets for a socket (`IP_LOCAL_PORT_RANGE`) does not show.',
  ],
  simulation: {
    shows: 'The end that closes first has the TIME-WAIT, and its port is taken for 60 s.',
    client: 'half-closes',
    server: 'closes-after-peer',
  },
};
