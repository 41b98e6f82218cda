import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const finWait2Held: FindingSubject = {
  kind: 'finding',
  id: 'fin-wait-2-held',
  title: 'half closed, and held',
  meaning: [
    'The program has shut down its sending side (`shutdown(SHUT_WR)`, `socket.end()`, `CloseWrite`). The peer has acknowledged the FIN and has not sent its own. The descriptor is still open, so **no timer runs**: it stays in FIN-WAIT-2 until the peer or the program closes.',
  ],
  reported: ['lastack reports those in which nothing has come for 10 s. A hundred are critical.'],
  causes: [
    {
      list: [
        'The peer does not close: on its side it is a CLOSE-WAIT, and the fault is there ([close-wait-leak](close-wait-leak.md)).',
        "The program waits for the peer's end without a time-out, or has forgotten the socket after `shutdown`.",
        "`socket.end()` in Node on a connection whose data nobody consumes: `'end'` cannot come.",
        'A proxy passes on the end of one side and waits for the other for ever.',
      ],
    },
  ],
  see: code`
    ss -tanpo state fin-wait-2                 # with users:(…) and without timer: held. timer:(timewait,…): closed
    lastack ls state fin-wait-2 'age > 10s'
    lastack doctor
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['fin-wait-2-held'],
    first: ['Half-close, then wait for a limited time, then close.'],
    samples: [
      {
        language: 'Node',
        code: code`
        socket.end(request);
        socket.resume();
        socket.setTimeout(10_000, () => socket.destroy());
      `,
      },
      {
        language: 'Python',
        code: code`
        with sock:
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(10)
            try:
                while sock.recv(65536):
                    pass
            except TimeoutError:                   # socket.timeout before 3.10
                pass
      `,
      },
      {
        language: 'Go',
        code: code`
        defer conn.Close()
        conn.CloseWrite()                          // of *net.TCPConn
        conn.SetReadDeadline(time.Now().Add(10 * time.Second))
        io.Copy(io.Discard, conn)
      `,
      },
      {
        language: 'Java',
        code: code`
        try (socket) {
            socket.setSoTimeout(10_000);
            socket.shutdownOutput();
            socket.getInputStream().transferTo(OutputStream.nullOutputStream());
        } catch (SocketTimeoutException e) { /* closed by try */ }
      `,
      },
    ],
  },
  normal: [
    'A request that ends with a half-close and whose answer is on its way (RFC 9293 §3.6): data comes, or comes within seconds. An orphaned FIN-WAIT-2, after `close`, has inode 0 and a timer; the kernel removes it after `tcp_fin_timeout`.',
  ],
  myths: [
    {
      claim: '"`tcp_fin_timeout` limits FIN-WAIT-2."',
      truth:
        'Only after `close`. It has no effect on a socket that a program holds, and none on TIME-WAIT.',
    },
    { claim: '"It costs nothing."', truth: 'It costs a descriptor here and one at the peer.' },
    {
      claim: '"Keepalive ends it."',
      truth:
        "Only if the peer's host is gone. A peer that lives and forgot the connection answers every probe.",
    },
  ],
  limits: [
    'The age is a lower bound: acknowledged keepalive probes restart it. 10 s is a guess about your protocol: where a peer takes longer to begin its answer to a half-closed request, the finding is a warning that you may ignore.',
  ],
  simulation: {
    shows: 'shutdown(WR) is no close: FIN-WAIT-2 has no timer as long as the program holds it.',
    client: 'half-closes-and-holds',
    server: 'never-closes',
    until: 600_000,
  },
};
