import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const connectHanging: FindingSubject = {
  kind: 'finding',
  id: 'connect-hanging',
  title: 'connecting to nobody',
  meaning: [
    'A connection attempt is not answered: no SYN-ACK, no RST. The kernel repeats the SYN and gives up after about two minutes (131 s by default from Linux 6.5 on, 127 s before); until then whoever called `connect` waits.',
  ],
  reported: [
    'lastack reports attempts with two repetitions or more (2 s; 3 s before 6.5), and those that it has watched for 3 s, by program and destination. A hundred are critical: that is a thread pool, or a queue of requests.',
  ],
  causes: [
    {
      list: [
        'The host is down, or its address is wrong or stale (a removed container, old DNS).',
        'A firewall or security group drops instead of rejecting. A rejection ends `connect` at once.',
        'The route back is missing: the SYN arrives, the SYN-ACK does not.',
        "The peer's accept queue is full: its kernel ignores the SYN ([accept-backlog-stalled](accept-backlog-stalled.md) there).",
      ],
    },
  ],
  see: code`
    ss -tnpo state syn-sent                    # timer:(on,14sec,4): 4 repetitions, the next in 14 s
    tcpdump -ni any 'host 10.0.3.7 and tcp[tcpflags] & (tcp-syn|tcp-rst) != 0'
    sysctl net.ipv4.tcp_syn_retries net.ipv4.tcp_syn_linear_timeouts
    lastack doctor
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['connect-hanging'],
    first: [
      'Find who drops the packets. Give every connect a time-out of a few seconds, so that the next such fault is an error message.',
    ],
    samples: [
      {
        language: 'Node',
        note: '`net.connect` has no time-out of its own; `setTimeout` counts idleness, and that includes connecting.',
        code: code`
        const socket = net.connect({ host, port, timeout: 5000 });
        socket.on('timeout', () => socket.destroy(new Error(\`no answer from \${host}:\${port}\`)));
        socket.once('connect', () => socket.setTimeout(0));
        await fetch(url, { signal: AbortSignal.timeout(5000) });
      `,
      },
      {
        language: 'Python',
        code: code`
        with socket.create_connection((host, port), timeout=5) as sock: ...
        requests.get(url, timeout=(3, 30))         # connect, read
        async with asyncio.timeout(5):             # 3.11
            reader, writer = await asyncio.open_connection(host, port)
      `,
      },
      {
        language: 'Go',
        code: code`
        dialer := net.Dialer{Timeout: 5 * time.Second}
        transport := &http.Transport{DialContext: dialer.DialContext}
      `,
      },
      {
        language: 'Java',
        code: code`
        try (Socket socket = new Socket()) {       // new Socket(host, port) has no time-out
            socket.connect(new InetSocketAddress(host, port), 5_000);
        }
        HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
      `,
      },
    ],
  },
  normal: [
    'A single repetition: a SYN was lost. Monitoring that tries hosts which are down, and port scanners, show here as well; they are right.',
  ],
  myths: [
    {
      claim: '"Lower `tcp_syn_retries`."',
      truth: 'It changes every program on the host. The time-out belongs to the call.',
    },
    {
      claim: '"It is refused."',
      truth:
        'A refused connection is an RST, and `ECONNREFUSED` at once. Silence is something else.',
    },
    {
      claim: '"Two minutes, whatever one does."',
      truth: 'From Linux 6.5 on four repetitions come a second apart, on top of `tcp_syn_retries`.',
    },
  ],
  limits: [
    'The age is computed from the number of repetitions (`≈`). A socket can have its own number (`TCP_SYNCNT`) or `TCP_USER_TIMEOUT`, which cannot be seen. Whether a thread in `connect` has `SO_SNDTIMEO` cannot be seen either. An event loop may have a time-out that has not passed yet.',
  ],
  simulation: {
    shows: 'Nobody answers: the SYN is repeated, at last connect() fails with ETIMEDOUT.',
    client: 'waits',
    server: 'closes-after-peer',
    path: { loss: 1 },
  },
};
