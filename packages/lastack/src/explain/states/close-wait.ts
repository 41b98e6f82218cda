import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { StateSubject } from '../subject.ts';

export const closeWait: StateSubject = {
  kind: 'state',
  id: 'CLOSE-WAIT',
  title: 'the peer has closed; this program has not',
  alsoCalled: ['CLOSE_WAIT'],
  meaning: [
    'The FIN of the peer has come, and our kernel has acknowledged it. Now it waits for the **program** to close. The network has done its part; only a RST, or retransmissions or keepalive probes that find nobody, can end this state from there.',
    'The program learns of it by reading: after the last byte a read returns 0, again and again. It may still send, which is what a half-closed request is for.',
  ],
  lasts:
    'until the program closes, or ends. **The kernel has no time-out for it.** The orphaned FIN-WAIT-2 at the other end goes after 60 s, so the peer does not see it any more.',
  normal: [
    'Some for milliseconds, on every server. One whose answer is still being sent to a client that has half closed.',
  ],
  fault: [
    'Those that stay, and above all a number that grows: the path to `close` is missing, skipped by an exception, or blocked. Each one is a descriptor; at the limit `accept` fails with `EMFILE`. Recv-Q tells the cause: 0 = all has been read, the end too; 1 = only the FIN is unread; more = data is unread, too.',
  ],
  findings: ['close-wait-leak', 'accept-backlog-stalled', 'inherited-socket'],
  fix: FIXES['close-wait-leak'],
  see: code`
    ss -tanp state close-wait    # who; Recv-Q tells why
    netstat -tanp | grep CLOSE_WAIT
    lastack ls 'state close-wait' --sort age
    lastack doctor               # holder, cause, line of code, until when
  `,
  myths: [
    {
      claim: '"Lower `tcp_fin_timeout`, or `tcp_keepalive_time`."',
      truth:
        "No sysctl closes a CLOSE-WAIT. Keepalive removes it once the peer's kernel has forgotten the connection (after an ordinary close as soon as its FIN-WAIT-2 has expired, or when its host is gone), and then the descriptor stays: the leak is hidden.",
    },
    {
      claim: '"Kill the socket with `ss -K`."',
      truth:
        'That removes the connection and does not free the descriptor: the leak goes on, out of sight.',
    },
    {
      claim: '"The client must close properly."',
      truth: 'It did: CLOSE-WAIT is what its FIN made. The end that shows CLOSE-WAIT is at fault.',
    },
  ],
  simulation: {
    shows: "The client closes. The server's kernel acknowledges the FIN; its program never closes.",
    client: 'closes-first',
    server: 'never-closes',
    until: 600_000,
  },
};
