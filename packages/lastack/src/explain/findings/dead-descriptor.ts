import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const deadDescriptor: FindingSubject = {
  kind: 'finding',
  id: 'dead-descriptor',
  title: 'the connection is gone, the descriptor still open',
  meaning: [
    'A descriptor of a TCP connection that no longer exists. It was reset, its keepalive probes or retransmissions were not answered, or somebody removed it (`ss -K`, `lastack kill`). The kernel has taken it out of its tables; **no tool that lists sockets shows it**. The descriptor stays until the program closes it.',
  ],
  reported: [
    'lastack asks the kernel for the state of every open TCP descriptor: CLOSED with a remote port is dead. Those that were dead at both looks are reported; a hundred are critical.',
  ],
  causes: [
    {
      list: [
        'A pool keeps idle connections and never looks at them. The error waits in the socket for the next read or write.',
        'The program saw `ECONNRESET`, `ETIMEDOUT` or `EPIPE`, logged it, and did not close.',
        'A non-blocking `connect` failed and the descriptor was forgotten.',
        'Keepalive was turned on against CLOSE-WAIT leaks: the connections go, the descriptors stay. The leak is only hidden.',
      ],
    },
  ],
  see: code`
    ls /proc/PID/fd | wc -l                    # many more descriptors…
    ss -tanp | grep -c pid=PID,                # …than sockets
    lsof -nPp PID | awk '$5 == "sock"'          # sockets that lsof finds in no list: such ones, and some others
    lastack doctor --for 2s                    # as root
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['dead-descriptor'],
    first: ['Close on every error. Look at idle connections.'],
    samples: [
      {
        language: 'Node',
        code: code`
        socket.on('error', () => {});              // 'close' follows
        socket.on('close', () => pool.delete(socket));
      `,
        after:
          'A paused socket learns nothing: `socket.resume()`, or `socket.setTimeout(60_000, () => socket.destroy())`.',
      },
      {
        language: 'Python',
        code: code`
        try:
            answer = ask(conn)
        except OSError:
            pool.discard(conn)
            conn.close()
            raise
      `,
      },
      {
        language: 'Go',
        code: code`
        if _, err := conn.Write(request); err != nil {
            conn.Close()                           // and do not put it back
            return err
        }
        db.SetConnMaxIdleTime(5 * time.Minute)     // database/sql
      `,
      },
      {
        language: 'Java',
        code: code`
        try { exchange(socket); }
        catch (IOException e) { pool.remove(socket); socket.close(); throw e; }
        // HikariCP: idleTimeout, keepaliveTime, maxLifetime; Apache HttpClient: evictIdleConnections
      `,
      },
    ],
  },
  normal: [
    "A dead one for a moment: between the reset and the program's `close`. A TCP socket that was never connected has no remote port, and is not counted.",
  ],
  myths: [
    { claim: '"No socket in `ss`, so no leak."', truth: 'Descriptors leak without sockets.' },
    { claim: '"Keepalive closes connections."', truth: 'It ends them. Only the program closes.' },
    { claim: '"`ss -K` frees the descriptor."', truth: 'It does not.' },
  ],
  limits: [
    'It needs BPF (root, or `CAP_BPF` and `CAP_PERFMON`): links in `/proc/PID/fd` do not tell a dead TCP socket from a UDP or UNIX one; lastack then says that it cannot tell. One look (`--for 0`) reports ten or more of one process. The addresses are gone; the remote port is known. A dead socket does not say its network namespace: it counts as that of its process.',
  ],
  simulation: {
    shows:
      'A RST ends the connection of the server in an instant. Its program never calls close(), so the descriptor stays.',
    client: 'resets',
    server: 'never-closes',
  },
};
