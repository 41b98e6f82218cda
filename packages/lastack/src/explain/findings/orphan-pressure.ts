import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const orphanPressure: FindingSubject = {
  kind: 'finding',
  id: 'orphan-pressure',
  title: 'too many connections without a program, or too little TCP memory',
  meaning: [
    'The kernel runs short of what it lends to TCP, and resets connections for it.',
    {
      list: [
        '**Orphans**: connections that the program has closed and that are not finished (FIN-WAIT-1, CLOSING, LAST-ACK). lastack warns from 50 % of `net.ipv4.tcp_max_orphans` on; 90 % is critical. The bound is lower than it looks: when the kernel decides about a connection that stalls each orphan counts twice, and four times if an ICMP error came, too.',
        '**Memory**: all buffers of all sockets. From the second number of `net.ipv4.tcp_mem` on the kernel shrinks windows and drops segments that came out of order (warning); 90 % of the third is critical.',
        '`TcpExtTCPAbortOnMemory` grew while lastack watched: connections are being given up (always critical).',
      ],
    },
  ],
  reported: [],
  causes: [
    {
      list: [
        'Peers vanish without a word (mobile clients, a firewall that forgets), so that what was sent last is never acknowledged: see [peer-vanished](peer-vanished.md).',
        'Peers do not read; the server closes with a full send buffer, and the kernel goes on trying.',
        'Large `tcp_wmem`/`tcp_rmem` times many connections.',
        'An attack that opens connections, asks for something large, and never reads.',
      ],
    },
  ],
  see: code`
    grep ^TCP: /proc/net/sockstat         # orphan; mem in pages of 4 KiB. Both count the whole host
    sysctl net.ipv4.tcp_max_orphans net.ipv4.tcp_mem
    nstat -az TcpExtTCPAbortOnMemory TcpExtTCPMemoryPressures
    ss -tano state fin-wait-1 state last-ack state closing
    dmesg | grep -E 'too many orphaned sockets|out of memory -- consider tuning tcp_mem'
    lastack doctor --for 10s
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['orphan-pressure'],
    first: [],
    samples: [
      {
        language: 'host',
        code: code`
        sysctl -w net.ipv4.tcp_orphan_retries=3    # give up after seconds; 0, the default, means 8 tries: minutes
        sysctl -w net.ipv4.tcp_max_orphans=262144  # up to 64 KiB of kernel memory each
        sysctl -w net.ipv4.tcp_mem="MIN PRESSURE MAX"   # pages; raise only what the host really has
      `,
        after:
          'Reset the clients that have stalled, instead of closing them: then no orphan remains.',
      },
      {
        language: 'Node',
        code: code`
        socket.setTimeout(30_000, () => socket.resetAndDestroy()); // Node 18.3 and later
      `,
      },
      {
        language: 'Python',
        code: code`
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        sock.close()   # sends a reset
      `,
      },
      {
        language: 'Go',
        code: code`
        conn.(*net.TCPConn).SetLinger(0)
        conn.Close()
      `,
      },
      {
        language: 'Java',
        code: code`
        socket.setSoLinger(true, 0);
        socket.close();
      `,
        after:
          'Do this for clients that have stalled only: a reset throws away what is on its way.',
      },
    ],
  },
  normal: [
    'Some orphans, at every moment, on every busy server. `TcpExtTCPAbortOnTimeout` that grows: clients vanish all the time, and lastack is silent about it.',
  ],
  myths: [
    {
      claim: '"Lower `tcp_max_orphans` to protect the host."',
      truth: "The kernel's documentation: do not rely on it, raise it rather.",
    },
    {
      claim: '"Orphans are TIME-WAITs."',
      truth:
        'A TIME-WAIT is finished and kept apart, under [its own limit](time-wait-overflow.md).',
    },
    { claim: '"`tcp_mem` is in bytes."', truth: 'In pages.' },
  ],
  limits: [
    'Outside of the host\'s network namespace `tcp_max_orphans` and `tcp_mem` are not shown, though they hold there: then lastack says "unknown". With `--for 0` growth is unknown.',
  ],
  simulation: {
    shows:
      'An orphan: the program has closed, the peer is gone, and the kernel keeps the connection for 102 s.',
    client: 'closes-soon',
    server: 'never-closes',
    path: { cutAt: 100 },
  },
};
