import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const zombieChildren: FindingSubject = {
  kind: 'finding',
  id: 'zombie-children',
  title: 'children that nobody waits for',
  meaning: [
    'A process that holds TCP sockets has children that have ended and were never waited for. lastack reports five or more that were zombies at both of its looks (50 where it looked once); a thousand are critical.',
    'A zombie holds no descriptor and no memory, only its pid. It cannot hold a socket open. But it shows that nobody looks after the children, and when the pids are used up (`kernel.pid_max`, `pids.max` of the container) every `fork` fails with `EAGAIN`: no new connection is served.',
  ],
  reported: [],
  causes: [
    {
      list: [
        'A server forks for each connection, and neither waits nor ignores `SIGCHLD`.',
        'It waits for *one* child on each `SIGCHLD`. Signals are not counted: for three children that end together there may be one.',
        'It is stuck, and would wait if it could: see the other findings on the same pid.',
        'It is pid 1 of a container, and inherits the children of processes that have ended.',
      ],
    },
  ],
  see: code`
    ps -eo ppid,pid,stat,comm | awk '$3 ~ /^Z/ { n[$1]++ } END { for (p in n) print n[p], "zombies of", p }'
    grep -E 'SigIgn|SigCgt' /proc/PID/status     # bit 16 (0x10000) is SIGCHLD
    lastack doctor --for 10s
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['zombie-children'],
    first: [],
    samples: [
      {
        language: 'host',
        note: '`docker run --init`, tini or dumb-init where the program is pid 1. Killing a zombie does nothing; when its parent ends, init waits for it.',
      },
      {
        language: 'Python',
        code: code`
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)   # no zombies at all; subprocess then has no exit status

        def reap(*_):                                   # where the exit status is wanted
            while True:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    return
                if pid == 0:
                    return
        signal.signal(signal.SIGCHLD, reap)
      `,
        after:
          '`socketserver.ForkingMixIn` waits by itself. `subprocess.Popen` needs `wait()` or `communicate()`.',
      },
      {
        language: 'Node',
        note: 'libuv waits for every child of `child_process`. Zombies mean a blocked event loop, or children that Node inherited as pid 1.',
      },
      {
        language: 'Go',
        code: code`
        if err := cmd.Start(); err != nil { return err }
        go cmd.Wait() // every Start needs a Wait
      `,
      },
      {
        language: 'Java',
        note: "`ProcessBuilder`'s children are waited for by the JVM. Zombies are inherited ones: run it under an init.",
      },
      {
        language: 'C',
        note: '`sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = SIG_IGN, .sa_flags = SA_NOCLDWAIT }, NULL);`',
      },
    ],
  },
  normal: [
    "A few zombies for moments: every child is one between its end and the parent's `wait`. A forking server that is busy shows different ones at each look, and lastack is silent.",
  ],
  myths: [
    {
      claim: '"Zombies keep sockets open."',
      truth:
        'All descriptors were closed when they ended. A *living* child that inherited a socket does: see [inherited-socket](inherited-socket.md).',
    },
    {
      claim: '"`kill -9` removes them."',
      truth: 'They are dead. Only the parent, or its end, removes them.',
    },
  ],
  limits: [
    'Only parents that hold TCP sockets of the namespace that was looked at are reported. With hidepid the children of other users do not show. A process whose first thread has ended while others run is no zombie, and not counted.',
  ],
  simulation: null,
};
