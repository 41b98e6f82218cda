import { FIXES } from '@lastack/core';
import { code } from '../code.ts';
import type { FindingSubject } from '../subject.ts';

export const inheritedSocket: FindingSubject = {
  kind: 'finding',
  id: 'inherited-socket',
  title: 'a child holds a copy, so a close in the parent sends no FIN',
  meaning: [
    'A connection is open in a process that does not serve it: it was forked, or started by `exec`, while the descriptor was open. The kernel sends the FIN when the **last** descriptor is closed, so the `close` of the process that serves the connection ends nothing.',
  ],
  reported: [
    'lastack reports',
    {
      list: [
        'a connection held by several processes, one of which listens on its port; or an outgoing one, such as a pool that was forked;',
        'a connection whose only holder is a command that a listening server has started, and that waits for no socket.',
      ],
    },
    'It must have been so at both looks, or the connection must have been quiet for 3 s: descriptors in transit are silent. A hundred connections are critical.',
  ],
  causes: [
    {
      list: [
        '`fork` for each connection, and the parent does not close its copy.',
        "`fork` + `exec` of a command (`sleep`, a mailer, a deploy hook) with a descriptor that lacks `O_CLOEXEC`: C's `socket` and `accept` make such ones, and so did Python before 3.4.",
        'Workers are forked after the pool was opened. Then two processes also read from one stream, and mix up the answers.',
      ],
    },
  ],
  see: code`
    ss -tnp                                    # several entries in users:((…),(…)) of one connection
    ls -l /proc/PID/fd | grep socket           # what a command has inherited
    grep flags /proc/PID/fdinfo/FD             # octal; 02000000 is O_CLOEXEC
    lastack doctor
  `,
  seeAlso: [],
  fix: {
    advice: FIXES['inherited-socket'],
    first: [],
    samples: [
      {
        language: 'Node',
        note: "Node's descriptors are close-on-exec, and `fork()` starts a new program.",
        code: code`
        worker.send('socket', socket);             // the parent's copy is closed once it was sent
        spawn('job', { stdio: ['ignore', 'inherit', 'inherit'] }); // not the socket, unless it is meant to be there
      `,
      },
      {
        language: 'Python',
        code: code`
        conn, _ = listener.accept()
        if os.fork() == 0:
            listener.close()                       # the child keeps the connection
            serve(conn)
            os._exit(0)
        conn.close()                               # the parent does not

        subprocess.Popen(command)                  # close_fds=True is the default; no set_inheritable(True)
        os.register_at_fork(after_in_child=lambda: make_new_pool())
      `,
      },
      {
        language: 'Go',
        note: '`net` sets `O_CLOEXEC`. `conn.File()` returns a duplicate:',
        code: code`
        file, err := conn.File()
        if err != nil { return err }
        defer file.Close()                         // and conn.Close(): both are descriptors
        cmd.ExtraFiles = []*os.File{file}
      `,
      },
      {
        language: 'Java',
        note: '`ProcessBuilder` closes all descriptors above 2 in the child. Native code must use `SOCK_CLOEXEC` and `accept4`.',
      },
      {
        language: 'C',
        note: '`socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)`, `accept4(fd, NULL, NULL, SOCK_CLOEXEC)`.',
      },
    ],
  },
  normal: [
    'Listeners shared by workers. Privilege separation (sshd, vsftpd): the sharers do not listen, and are of one program or of different users. A connection on descriptor 0, 1 or 2, as inetd and CGI hand it over, if no sharer listens. lastack is silent about all of these.',
  ],
  myths: [
    {
      claim: '"`close` closes the connection."',
      truth: 'It closes a descriptor. `shutdown` ends the connection for all holders.',
    },
    {
      claim: '"`ss -p` shows one process, so that is the one."',
      truth: 'Many tools map an inode to a single pid. lastack shows every holder.',
    },
  ],
  limits: [
    'A command whose parent has ended belongs to init, so only its CLOSE-WAITs show, as [close-wait-leak](close-wait-leak.md). For a sole holder its system calls must be readable (root). An rsync client (`rsync://`) shares its connection on purpose while it runs, and is reported. Descriptors that are registered with io_uring or on their way in a UNIX socket have no process.',
  ],
  simulation: {
    shows:
      'What the wire shows: nothing. The close of one of two descriptors is no close to TCP, and the client waits for an end that does not come.',
    client: 'half-closes',
    server: 'never-closes',
    until: 600_000,
  },
};
