import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const sendStuck: FindingSubject = {
  kind: 'finding',
  id: 'send-stuck',
  title: 'the peer does not read',
  meaning: [
    "The peer's receive window is zero: its kernel holds as much as it may, and its program does not read. What we have sent beyond waits in Send-Q, and our kernel only asks from time to time whether there is room again (the zero-window probe). As long as the peer answers the probes, **this never times out**.",
  ],
  reported: [
    'lastack reports a connection without progress for 10 s if a thread is blocked in `send` on it, otherwise for 60 s. A hundred are critical.',
  ],
  causes: [
    {
      list: [
        "The peer's program is stuck, stopped, or waits for something of ours that we do not send, because we are in `send`: a deadlock.",
        'The peer is slow on purpose: a paused player, or an attacker who costs you a thread.',
        'The program writes without looking at what is buffered, and its memory grows.',
      ],
    },
  ],
  see: code`
    ss -tnpo                                   # Send-Q > 0 and timer:(persist,…)
    ss -tinm dst 10.0.3.7                      # lastsnd: how long; probes unanswered: the third field of timer
    cat /proc/PID/task/*/wchan                 # sk_stream_wait_memory: blocked in send
    lastack doctor
  `,
  seeAlso: [
    "At the other end the connection has a large Recv-Q: `lastack ls 'recvq > 0' --sort recvq` there names the program.",
  ],
  fix: {
    advice: FIXES['send-stuck'],
    first: [],
    samples: [
      {
        language: 'Node',
        code: code`
        await pipeline(source, socket);            // node:stream/promises: pauses the source while the peer does not read
        socket.setTimeout(60_000, () => socket.destroy());
      `,
      },
      {
        language: 'Python',
        code: code`
        sock.settimeout(60)                        # bounds a whole sendall()
        async with asyncio.timeout(60):
            await writer.drain()                   # on TimeoutError: writer.transport.abort()
      `,
      },
      {
        language: 'Go',
        code: code`
        conn.SetWriteDeadline(time.Now().Add(time.Minute))   // before each write
        server := &http.Server{WriteTimeout: 5 * time.Minute}
      `,
      },
      {
        language: 'Java',
        note: '`setSoTimeout` bounds reads only.',
        code: code`
        var timer = scheduler.schedule(() -> { socket.close(); return null; }, 60, TimeUnit.SECONDS);
        try { out.write(bytes); } finally { timer.cancel(false); }
      `,
        after: 'Netty: `WriteTimeoutHandler`, and `channel.isWritable()`.',
      },
      { language: 'host', note: '`TCP_USER_TIMEOUT` on the socket bounds this, too.' },
    ],
  },
  normal: [
    'Send-Q > 0 with `timer:(on,…)`: data on its way. A zero window for seconds: a reader that is busy. A player that pauses for half a minute: no thread is blocked, so lastack waits for 60 s.',
  ],
  myths: [
    { claim: '"Raise `wmem`."', truth: 'More data waits, and the peer reads no sooner.' },
    {
      claim: '"Keepalive ends it."',
      truth: 'It does not run while data is unsent; and the peer is alive.',
    },
    {
      claim: '"The network is congested."',
      truth: 'Then data would be repeated (`timer:(on`), and the window would not be zero.',
    },
  ],
  limits: [
    'Whether a paused peer will go on cannot be known. Where tcp_info is missing (read from `/proc/net/tcp`) only what was watched counts. Retransmissions that nobody acknowledges are [peer-vanished](peer-vanished.md).',
  ],
  simulation: {
    shows:
      'The server does not read. Its window closes, and the client only asks from time to time whether there is room again. (Linux answers such a probe at most twice a second.)',
    client: 'writes-much',
    server: 'never-reads',
    options: { mss: 20_000 },
    until: 7000,
  },
};
