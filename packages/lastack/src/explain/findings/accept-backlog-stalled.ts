import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const acceptBacklogStalled: FindingSubject = {
  kind: 'finding',
  id: 'accept-backlog-stalled',
  title: 'connections wait for an accept that does not come',
  meaning: [
    'A program listens and does not accept. The kernel completes connections by itself, so clients connect, send a request, and wait. When they give up, their connections become CLOSE-WAIT *without a process*: they have no descriptor until `accept` gives them one.',
  ],
  reported: [
    'lastack reports a listener whose queue was not empty at both looks and in which a connection waited all the time (a window of a second or more), or has waited for 3 s. It is critical when the queue is full: the kernel then ignores new clients.',
  ],
  causes: [
    {
      list: [
        'The accept loop handles the connection itself, and is stuck in a handler: a lock, a database, `sleep`.',
        'No descriptors are left: `accept` fails with `EMFILE` ([fd-limit-near](fd-limit-near.md)).',
        'The event loop is busy with computing, or an edge-triggered listener was not accepted from until `EAGAIN`.',
        '`listen` was called before the program was ready, or the thread that accepted has died of an exception.',
        'All workers of a pre-forking server are busy; or, with `SO_REUSEPORT`, one of them is stuck: each has its own queue.',
        'The process is stopped (`SIGSTOP`, a debugger).',
      ],
    },
  ],
  see: code`
    ss -tlnp                                   # Recv-Q: connections that wait; Send-Q: the limit
    ss -tanp state established state close-wait 'sport = :8080'   # those without users:(…) wait
    nstat -az TcpExtListenOverflows TcpExtListenDrops                          # refused by a full queue
    lastack doctor                             # whose it is, and what its threads do instead
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['accept-backlog-stalled'],
    first: ['Let the loop do nothing but accept. Give everything that it hands over a time-out.'],
    samples: [
      {
        language: 'Node',
        note: 'Accepting stops while the event loop is blocked.',
        code: code`
        const worker = new Worker('./render.js', { workerData: job });  // node:worker_threads, for synchronous work
      `,
      },
      {
        language: 'Python',
        code: code`
        with ThreadPoolExecutor(64) as pool, socket.create_server(("", 8080)) as listener:
            while True:
                try:
                    conn, _ = listener.accept()
                except OSError:                    # EMFILE, ECONNABORTED: the loop goes on
                    time.sleep(0.1)
                    continue
                conn.settimeout(30)
                pool.submit(handle, conn)
      `,
      },
      {
        language: 'Go',
        code: code`
        for {
            conn, err := ln.Accept()
            if errors.Is(err, net.ErrClosed) { return }
            if err != nil { time.Sleep(100 * time.Millisecond); continue }
            go handle(conn)
        }
      `,
      },
      {
        language: 'Java',
        code: code`
        while (running) {
            try {
                Socket socket = server.accept();
                socket.setSoTimeout(30_000);
                executor.execute(() -> handle(socket));  // a rejecting executor must close the socket
            } catch (IOException e) { log.warn("accept", e); }
        }
      `,
      },
    ],
  },
  normal: [
    'A queue for milliseconds under load. Different connections in it at each look: the server is slow, but it accepts, and lastack is silent. If it overflows meanwhile, see [listen-overflow](listen-overflow.md).',
  ],
  myths: [
    { claim: '"Raise `somaxconn`."', truth: 'It lets more clients wait for nobody.' },
    {
      claim: '"CLOSE-WAIT without a pid is a kernel bug, or hidden by permissions."',
      truth: 'It is the accept queue: inode 0.',
    },
    {
      claim: '"Send-Q of a listener is data."',
      truth: "It is the queue's limit. The queue is full at one connection more.",
    },
  ],
  limits: [
    'The queue of one of several `SO_REUSEPORT` listeners cannot be told from the connections; all of the port that had waiting connections at both looks are named. In one look (`--for 0`) only the age of the connections tells. With `TCP_DEFER_ACCEPT` clients that have sent nothing are not in the queue.',
  ],
  simulation: {
    shows:
      'The kernel completes the handshake and takes the request without the program. The client gives up; what is left is a CLOSE-WAIT that nobody has accepted.',
    client: 'gives-up',
    server: 'never-reads',
    until: 600_000,
  },
};
