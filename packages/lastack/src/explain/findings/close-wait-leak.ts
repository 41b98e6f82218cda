import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const closeWaitLeak: FindingSubject = {
  kind: 'finding',
  id: 'close-wait-leak',
  title: 'the peer has closed, the program does not',
  meaning: [
    "The peer has closed its side, the kernel has acknowledged that, and the program does not close. **CLOSE-WAIT has no time-out**: only the program's `close`, or its end, ends it. Each one is a descriptor (at the limit `accept` fails with `EMFILE`) and a connection that the peer cannot finish.",
  ],
  reported: [
    'lastack reports sockets that have been in CLOSE-WAIT for 10 s or more, since a slow handler may take that long for a client that has left. 3 s are enough where nobody can be at work for them: every thread is back in `accept`; or ten or more pile up between two looks, none of that service is closed meanwhile, and there are fewer threads than sockets. Where some are closed between the looks, only those are reported that are twice as old as what was closed, or a minute old. What is younger, and may be closed or not, is named as unknown: `--for 10s` decides.',
    'A hundred are critical; so are ten that are a minute old and did not come at once, or that use up the descriptors within a day. Growth and a forecast are given for arrivals that are spread over 10 s or more, never for a burst.',
    'A thread counts as blocked if it hardly gave up its processor while it was watched (twice a second at most), and if the program has sent nothing on a younger connection since. A client that sleeps between its requests is not blocked: it has skipped the close. As many threads in `futex` as sockets may be handlers that wait there (for a lock, a condition or a timed sleep of their runtime), or the idle threads of a pool: the report names both. Fewer may be a whole pool that is taken: then no more connections were read from than threads wait.',
  ],
  causes: [
    'Recv-Q is what the program has not read, and reading the end of the stream counts as one.',
    {
      head: ['Recv-Q', 'means', 'cause in the report'],
      rows: [
        [
          '0',
          'it has read the end and did not close',
          '`eof-ignored`; `blocked-elsewhere` or `close-skipped` by its threads',
        ],
        [
          '1',
          'only the FIN is unread: it does not read any more',
          '`not-reading`, `not-watched`, `spinning`, `blocked-elsewhere`, `close-skipped`',
        ],
        ['more', 'data and the FIN are unread', '`data-abandoned`, or one of those'],
        [
          'any, inode 0',
          'nobody has accepted it yet',
          '[accept-backlog-stalled](accept-backlog-stalled.md)',
        ],
      ],
    },
    'If several processes hold it, see [inherited-socket](inherited-socket.md).',
  ],
  see: code`
    ss -tanp state close-wait                   # who
    ss -tino state close-wait                   # lastrcv, lastack: since when at most, and at least
    lastack ls 'state close-wait' --sort age
    lastack doctor --for 10s                    # holder, cause, growth, until when the descriptors last
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['close-wait-leak'],
    first: ['Put the close where no exception can skip it.'],
    samples: [
      {
        language: 'Node',
        code: code`
        const server = net.createServer((socket) => {      // allowHalfOpen: false, the default, ends by itself on 'end'…
          socket.on('error', () => socket.destroy());
          socket.setTimeout(60_000, () => socket.destroy());
          socket.resume();                                 // …but 'end' comes only if somebody consumes the data
        });

        const response = await fetch(url);
        if (!response.ok) await response.body?.cancel();   // the connection waits for the end of the body, read or given up
        get(url, (res) => res.resume());                   // http: also if only the status counts
        await (await request(url)).body.dump();            // undici
      `,
      },
      {
        language: 'Python',
        code: code`
        with conn:                                         # closed on every path
            while data := conn.recv(65536):                # b'' is the end of the stream
                handle(data)
      `,
        after: 'asyncio: `writer.close()` and `await writer.wait_closed()` in `finally`.',
      },
      {
        language: 'Go',
        code: code`
        defer conn.Close()                                 // right after Accept or Dial
        res, err := client.Do(req)
        if err != nil { return err }
        defer res.Body.Close()                             // also if the body is not wanted
      `,
      },
      {
        language: 'Java',
        code: code`
        try (Socket socket = server.accept(); InputStream in = socket.getInputStream()) {
            for (int n; (n = in.read(buffer)) != -1; ) handle(buffer, n);
        }
      `,
      },
    ],
  },
  normal: [
    'Some for milliseconds, on every server. A proxy that still sends to a client that has half closed. A pooled client connection that its server closed: it stays until the pool looks at it, and lastack reports it, because a pool that never looks is a leak; a warning if the server closed them all at once.',
  ],
  myths: [
    {
      claim: '"Lower `tcp_fin_timeout`", or `tcp_keepalive_time`, or `tcp_tw_reuse`.',
      truth:
        "None of them touches CLOSE-WAIT. Keepalive ends it when the peer's kernel has forgotten the connection (60 s after an ordinary close, or with its host), and then the descriptor stays: [dead-descriptor](dead-descriptor.md).",
    },
    {
      claim: '"The network is slow."',
      truth: 'The FIN has arrived and is acknowledged. The program is what is missing.',
    },
    {
      claim: '"It goes away by itself."',
      truth:
        "It does not. Only the *peer's* FIN-WAIT-2 does, after 60 s: then nobody but this host knows of the connection.",
    },
    {
      claim: '"`ss -K` fixes it."',
      truth: 'It removes the connection; the descriptor stays open.',
    },
  ],
  limits: [
    'The age is exact only if nothing was sent after the FIN (`=`), otherwise a lower bound (`≥`). Threads are seen as root or as the same user; without them the cause follows from Recv-Q alone. A burst of ten or more clients that leave an asynchronous server before its slow answers looks like a leak for as long as the answers take.',
  ],
  simulation: {
    shows:
      "The server's kernel acknowledges the FIN at once; its program never closes. The client's kernel gives up after 60 s.",
    client: 'closes-first',
    server: 'never-closes',
    until: 600_000,
  },
};
