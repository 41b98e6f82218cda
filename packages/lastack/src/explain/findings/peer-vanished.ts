import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const peerVanished: FindingSubject = {
  kind: 'finding',
  id: 'peer-vanished',
  title: 'the peer is gone without a FIN',
  meaning: [
    'What we send is repeated and nobody acknowledges it: the peer went without FIN or RST.',
    {
      head: ['', 'what waits', 'until'],
      rows: [
        [
          'FIN-WAIT-1, CLOSING, LAST-ACK',
          "our FIN, after the program's `close`",
          '`tcp_orphan_retries`: 0 means 8, about 102 s',
        ],
        [
          'ESTABLISHED, CLOSE-WAIT',
          'data; the program holds the socket',
          '`tcp_retries2` = 15: about 925 s, then `ETIMEDOUT`',
        ],
      ],
    },
  ],
  reported: [
    'lastack reports',
    {
      list: [
        'closing connections whose FIN was sent four times or more, if they are five or more, with one peer or on one local port, and 10 % or more of the connections there;',
        'outgoing connections whose data was sent six times or more (6 s at least): each one;',
        'the same of incoming connections, if they are such a pile.',
      ],
    },
    'It is a warning; a hundred open connections are critical.',
  ],
  causes: [
    {
      list: [
        'The host is down, or a link is; a virtual machine or pod was removed without a goodbye.',
        'A firewall, NAT or load balancer forgot the connection and drops what comes.',
        'A route or MTU is wrong in one direction.',
        'Mobile clients go out of reach. That is daily bread, and below the thresholds.',
      ],
    },
  ],
  see: code`
    ss -tinpo state fin-wait-1 state last-ack state closing   # timer:(on,12sec,6): repeated 6 times
    ss -tinpo state established | grep -B1 backoff                        # data that is repeated
    nstat -az TcpExtTCPTimeouts TcpExtTCPAbortOnTimeout
    sysctl net.ipv4.tcp_orphan_retries net.ipv4.tcp_retries2
    lastack doctor
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['peer-vanished'],
    first: [
      'Find what cuts the peers off; the closed ones end by themselves. For open ones, let the program notice in seconds.',
    ],
    samples: [
      {
        language: 'Node',
        note: '`TCP_USER_TIMEOUT` cannot be set; a time-out on the answer can.',
        code: code`
        socket.setTimeout(30_000, () => socket.destroy(new Error('peer vanished')));
      `,
      },
      {
        language: 'Python',
        code: code`
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)   # ms without an acknowledgement
        sock.settimeout(30)
      `,
      },
      {
        language: 'Go',
        code: code`
        dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
            var failed error
            err := c.Control(func(fd uintptr) {
                failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 30_000)
            })
            return errors.Join(err, failed)
        }}
      `,
      },
      {
        language: 'Java',
        code: code`
        socket.setSoTimeout(30_000);               // bounds the wait for the answer
        bootstrap.option(EpollChannelOption.TCP_USER_TIMEOUT, 30_000);   // Netty, native epoll
      `,
      },
      {
        language: 'host',
        note: "Keepalive shorter than the firewall's idle time keeps its entry alive: `TCP_KEEPIDLE` 60 on the sockets.",
      },
    ],
  },
  normal: ['A few of these at any time on every server that faces the Internet.'],
  myths: [
    {
      claim: '"Lower `tcp_fin_timeout`."',
      truth: 'That is FIN-WAIT-2 after `close`. These are other states.',
    },
    {
      claim: '"Keepalive finds it."',
      truth: 'Not while data is unacknowledged: then only retransmission counts.',
    },
    {
      claim: '"`tcp_retries2` is a number of retries."',
      truth:
        'It is a time, computed from that number and the smallest time-out of 200 ms; with a longer one there are fewer.',
    },
  ],
  limits: [
    'The times hold for the shortest RTO; on slow paths they are longer. The age is the least time in which the kernel can have repeated so often. A peer with a zero window is [send-stuck](send-stuck.md). Orphans have no program and no uid; many of them are [orphan-pressure](orphan-pressure.md).',
  ],
  simulation: {
    shows:
      'The network is cut, then the client closes: its FIN is repeated 8 times, and the server hears nothing of it.',
    client: 'closes-soon',
    server: 'never-closes',
    path: { cutAt: 100 },
    until: 600_000,
  },
};
