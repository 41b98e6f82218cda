import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const fdLimitNear: FindingSubject = {
  kind: 'finding',
  id: 'fd-limit-near',
  title: 'a process or the host is about to run out of descriptors',
  meaning: [
    'A process has used 80 % or more of the descriptors that it may open (critical from 95 % on), or the host 80 % of its file handles. At the limit `accept`, `connect`, `open`, `pipe` and `epoll_create` fail with `EMFILE`, "too many open files"; a host without file handles gives `ENFILE`. A server that does not handle `EMFILE` from `accept` often spins: the connection stays in the queue, so the listener stays readable.',
  ],
  reported: [
    'lastack counts what is open against the soft `RLIMIT_NOFILE` of the process, says how many of the descriptors are TCP sockets and in which states, and, when it watches for 10 s or more (`--for 30s`), when the limit will be reached. The workers of one server (same parent, same command) are one finding, with the numbers of the fullest.',
  ],
  causes: [
    {
      list: [
        'A leak. Thousands of CLOSE-WAIT are [close-wait-leak](close-wait-leak.md); sockets that are in no table are [dead-descriptor](dead-descriptor.md). A higher limit only moves the day.',
        'More clients than the limit was made for: ESTABLISHED, and as many as the load balancer sends.',
        'No bound on what is opened: a pool without a maximum, a client object for each request.',
        'A low limit: systemd gives services a soft limit of 1,024 unless told otherwise.',
      ],
    },
  ],
  see: code`
    grep 'open files' /proc/PID/limits        # soft and hard limit
    ls /proc/PID/fd | wc -l                   # open now
    ls -l /proc/PID/fd | awk '{print $NF}' | sed 's/[0-9]\\+/N/g' | sort | uniq -c | sort -rn   # of which kind
    ss -tanp | grep pid=PID, | awk '{print $1}' | sort | uniq -c                               # TCP, by state
    cat /proc/sys/fs/file-nr                  # the host: in use, 0, limit
    lastack doctor --pid PID --for 30s
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['fd-limit-near'],
    first: [],
    samples: [
      {
        language: 'host',
        note: 'Without a restart: `prlimit --pid PID --nofile=65536:65536`. For good: `LimitNOFILE=65536` in the unit, `docker run --ulimit nofile=65536:65536`. `/etc/security/limits.conf` is read at login only; no service reads it. The hard limit cannot exceed `fs.nr_open`; `fs.file-max` bounds all processes together.',
      },
      {
        language: 'Node',
        note: 'It raises its soft limit to the hard one when it starts, so raise the hard one.',
        code: code`
        server.maxConnections = 10_000; // further connections are accepted and closed at once
        const agent = new http.Agent({ keepAlive: true, maxSockets: 200 });
      `,
      },
      {
        language: 'Python',
        note: 'The soft limit stays as it is.',
        code: code`
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        with socket.create_connection(address, timeout=5) as connection:   # closed on every path
            ...
      `,
      },
      {
        language: 'Go',
        note: 'Since Go 1.19 the soft limit is raised to the hard one.',
        code: code`
        listener = netutil.LimitListener(listener, 10_000) // golang.org/x/net/netutil
        defer response.Body.Close()
      `,
      },
      {
        language: 'Java',
        note: 'The JVM raises the soft limit to the hard one (`-XX:+MaxFDLimit`, the default).',
        code: code`
        try (Socket socket = new Socket(host, port)) { … } // and a pool with a maximum for everything else
      `,
      },
    ],
  },
  normal: [
    'A process with a high limit and few descriptors. A process with more open than its limit allows, where the limit is below 32: that is a sandbox (sshd before a login), and lastack is silent about it.',
  ],
  myths: [
    {
      claim: '"Raise `fs.file-max`."',
      truth: "That is the host's bound and gives `ENFILE`. `EMFILE` is the process's.",
    },
    {
      claim: '"`ulimit -n` in my shell shows the limit."',
      truth: "It shows the shell's. `/proc/PID/limits` shows the program's.",
    },
    { claim: '"TIME-WAIT uses up descriptors."', truth: 'It has none.' },
  ],
  limits: [
    "Only processes that hold sockets are looked at. Of other users' processes the descriptors cannot be counted without root; lastack says so. The kernel compares the number of the next free descriptor with the limit, not their count: after the limit was lowered the two differ.",
  ],
  simulation: null,
};
