import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const readHanging: FindingSubject = {
  kind: 'finding',
  id: 'read-hanging',
  title: 'waiting for an answer without a time-out',
  meaning: [
    "The program has sent a request, the peer's kernel has acknowledged it, no answer comes, and the thread waits in `recv` with no time-out. If the peer is gone (a firewall forgot the connection, the host was replaced), it waits for ever: who does not send notices nothing.",
  ],
  reported: [
    'lastack reports a connection if all of this holds:',
    {
      list: [
        'it is ESTABLISHED and outgoing (nobody listens on its local port), with empty queues;',
        'a thread is blocked in `read`, `recvfrom` or `recvmsg` on it, not in `poll` or `epoll_wait`;',
        'the last word was ours, at least 10 s ago, or nothing has ever come on it;',
        'keepalive is off.',
      ],
    },
  ],
  causes: [
    {
      list: [
        "No time-out was given: Python's `socket`, `requests`, Java's `Socket` and many drivers have none by default.",
        'The peer is stuck in a handler, or waits for somebody else.',
        'A stateful firewall or load balancer dropped the idle connection without a reset.',
      ],
    },
  ],
  see: code`
    cat /proc/PID/task/*/syscall               # first column 45 (x86-64: recvfrom), 0 (read); second: the descriptor
    ss -tinop dst 10.0.3.7                     # lastsnd < lastrcv: we spoke last; no timer:(keepalive,…)
    lastack doctor                             # as root
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['read-hanging'],
    first: [],
    samples: [
      {
        language: 'Node',
        note: 'Reads do not block; a promise that never settles is the same fault.',
        code: code`
        await fetch(url, { signal: AbortSignal.timeout(30_000) });
        socket.setTimeout(30_000, () => socket.destroy(new Error('no answer')));
      `,
      },
      {
        language: 'Python',
        code: code`
        sock.settimeout(30)
        requests.get(url, timeout=(3, 30))
        redis.Redis(host, socket_timeout=30, socket_keepalive=True)
        psycopg.connect(dsn, options="-c statement_timeout=30000", tcp_user_timeout=30000)
      `,
      },
      {
        language: 'Go',
        code: code`
        client := &http.Client{Timeout: 30 * time.Second}   // http.DefaultClient has none
        conn.SetReadDeadline(time.Now().Add(30 * time.Second))
      `,
      },
      {
        language: 'Java',
        code: code`
        socket.setSoTimeout(30_000);
        HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(30)).build();
        // JDBC: ?socketTimeout=30 (PostgreSQL, s), ?socketTimeout=30000 (MySQL, ms)
      `,
        after:
          'Where waiting is meant, turn on keepalive: `TCP_KEEPIDLE` 60, `TCP_KEEPINTVL` 10, `TCP_KEEPCNT` 6.',
      },
    ],
  },
  normal: [
    "A server's thread that waits for the next request: the connection came in. An idle pooled connection: the peer spoke last. A subscription: the same. A blocking pop (`BLPOP` without an end) and a long poll look the same as a lost answer: they are reported although they are meant, and the report says so. Give them keepalive, and lastack is silent.",
  ],
  myths: [
    {
      claim: '"TCP notices when the peer is gone."',
      truth:
        'Only if something is sent, or keepalive is on; and `SO_KEEPALIVE` begins after two hours by default.',
    },
    {
      claim: '"`tcp_retries2` ends it."',
      truth: 'It counts retransmissions. There is nothing to retransmit.',
    },
  ],
  limits: [
    'A time-out of `poll` cannot be seen, so whoever waits there is not reported: Java from 13 on, libpq, OpenSSL programs. `SO_RCVTIMEO` cannot be seen either. A request sent within 10 ms of the last answer cannot be told from one before it. Without root the system calls of other users are hidden; lastack says so.',
  ],
  simulation: {
    shows:
      'The request is acknowledged, no answer comes, and then the network is cut. The client has nothing to send, so nothing tells it: it waits for ever.',
    client: 'waits',
    server: 'never-closes',
    path: { cutAt: 45 },
    until: 600_000,
  },
};
