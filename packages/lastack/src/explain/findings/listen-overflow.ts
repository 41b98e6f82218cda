import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const listenOverflow: FindingSubject = {
  kind: 'finding',
  id: 'listen-overflow',
  title: 'the kernel refuses connections: an accept queue was full',
  meaning: [
    "Connections were dropped because a listening socket's queue was full. Clients do not see a refusal. Their SYN, or the last segment of their handshake, is dropped and sent again a second later, and again: connects take whole seconds, or time out. (The client may even think that it is connected, and wait for an answer.)",
  ],
  reported: [
    'lastack reports it when a counter grew while it watched; it is critical when a queue is still full at the end.',
    {
      head: ['counter', 'means'],
      rows: [
        [
          '`TcpExtListenOverflows`',
          'the accept queue is full: the program does not call `accept` as fast as connections come',
        ],
        ['`TcpExtTCPReqQFullDrop`', 'too many handshakes are half done, and SYN cookies are off'],
        [
          '`TcpExtListenDrops`',
          'both, and every other reason for which a connection was dropped before `accept`',
        ],
      ],
    },
    'The report says of each full queue what bounds it: the backlog that its `listen` asked for, or `net.core.somaxconn`. Only in the second case does a greater somaxconn help.',
  ],
  causes: [
    {
      list: [
        'The program does not accept for a while: a busy event loop, a garbage collection, every worker occupied.',
        "The backlog is small. Its limit is the smaller of what `listen` asks for and `net.core.somaxconn` (4,096 since Linux 5.4, 128 before). Defaults: Python's `socketserver` 5, Java 50, asyncio 100, Node and nginx 511; Go asks for somaxconn.",
        'A burst: everybody connects again after a restart.',
        'If the queue is full and stays so, nobody accepts at all: [accept-backlog-stalled](accept-backlog-stalled.md).',
      ],
    },
  ],
  see: code`
    ss -ltn                     # LISTEN: Recv-Q waits for accept, Send-Q is the limit; full when Recv-Q > Send-Q
    nstat -az TcpExtListenOverflows TcpExtListenDrops TcpExtTCPReqQFullDrop
    sysctl net.core.somaxconn net.ipv4.tcp_max_syn_backlog net.ipv4.tcp_syncookies
    lastack doctor --for 10s
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['listen-overflow'],
    first: [
      'Accept faster; then make the queue longer. A long queue in front of a slow program only lets clients wait longer.',
    ],
    samples: [
      {
        language: 'host',
        note: '`sysctl -w net.core.somaxconn=4096`, then restart the program, since the limit is taken at `listen`. In containers it is set for each: `docker run --sysctl net.core.somaxconn=4096`.',
      },
      {
        language: 'Node',
        code: code`
        server.listen({ port: 8080, backlog: 4096 }); // and nothing that blocks the event loop
      `,
      },
      {
        language: 'Python',
        code: code`
        listener = socket.create_server(('', 8080), backlog=4096)
        socketserver.TCPServer.request_queue_size = 4096            # with ThreadingMixIn
        await asyncio.start_server(handle, port=8080, backlog=4096)
      `,
      },
      {
        language: 'Go',
        code: code`
        for {
        	conn, err := listener.Accept() // the backlog is somaxconn; do nothing slow in this loop
        	if err != nil { return err }
        	go handle(conn)
        }
      `,
      },
      {
        language: 'Java',
        code: code`
        try (var server = new ServerSocket(8080, 4096)) {
          while (true) { Socket socket = server.accept(); executor.submit(() -> handle(socket)); }
        }
      `,
        after:
          'Tomcat: `acceptCount`. Netty: `ChannelOption.SO_BACKLOG`. nginx: `listen 80 backlog=4096`. HAProxy: `backlog`.',
      },
    ],
  },
  normal: [
    'A Recv-Q above 0 for moments. Counters that are not 0: they count since the namespace was made. `TcpExtListenDrops` that grows alone, slowly: scanners and clients that went away during the handshake; lastack is silent about it.',
  ],
  myths: [
    {
      claim: '"`tcp_max_syn_backlog` is the accept queue."',
      truth: 'It bounds half-open handshakes, and little when SYN cookies are on.',
    },
    {
      claim: '"Raise `somaxconn`."',
      truth: 'It does nothing if the program asks for 128, and nothing before it listens again.',
    },
    {
      claim: '"Set `tcp_abort_on_overflow=1`."',
      truth: 'It turns slow connects into resets. It hides the cause.',
    },
  ],
  limits: [
    'The counters belong to a network namespace, not to a socket. lastack names the queues that were full at one of its looks; a burst between them has no name. With `--for 0` growth is unknown.',
  ],
  simulation: {
    shows:
      'What a client sees of a full queue: its SYN is dropped without a word, and connecting takes a second longer.',
    client: 'half-closes',
    server: 'closes-after-peer',
    path: { loss: 0.2 },
    seed: 7,
  },
};
