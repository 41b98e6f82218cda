import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { StateSubject } from '../subject.ts';

export const synReceived: StateSubject = {
  kind: 'state',
  id: 'SYN-RECEIVED',
  title: 'half open: the last ACK of the handshake is missing',
  alsoCalled: ['SYN_RECV', 'SYN-RECV'],
  meaning: [
    'A SYN has come and a SYN ACK was sent; the ACK that completes the handshake has not come. On Linux this is a small record, not a socket: it has no inode and no process.',
    'When two ends connect to each other at the same moment (RFC 9293 §3.5, figure 7), both pass through it.',
  ],
  lasts:
    'one round trip. Without the ACK 63 s: the SYN ACK is repeated after 1, 3, 7, 15 and 31 s (`tcp_synack_retries` = 5).',
  normal: ['Some on every busy listener. On a server at the Internet always some: scanners.'],
  fault: [
    'Very many, of addresses that never answer: a SYN flood. With `tcp_syncookies` = 1 (the default) the kernel then answers without remembering, and goes on to serve.',
    'Some that stay although the client sends the ACK: the accept queue is full, and the kernel ignores the ACK.',
  ],
  findings: ['listen-overflow'],
  fix: FIXES['listen-overflow'],
  see: code`
    ss -tn state syn-recv                  # from whom
    netstat -tn | grep SYN_RECV
    nstat -az TcpExtSyncookiesSent TcpExtTCPReqQFullDrop TcpExtListenOverflows
    lastack doctor --for 10s
  `,
  myths: [
    {
      claim: '"Half-open connections use up descriptors."',
      truth: 'They have none: a descriptor is made by `accept`.',
    },
    {
      claim: '"`tcp_syncookies` = 2 is safer than 1."',
      truth:
        '2 sends cookies always, also without need. Without time stamps a cookie has no room for window scaling and SACK.',
    },
  ],
  simulation: {
    shows: 'The SYN ACK is lost: the client sends its SYN again, and is answered again.',
    client: 'half-closes',
    server: 'closes-after-peer',
    path: { loss: 0.2 },
    seed: 57,
  },
};
