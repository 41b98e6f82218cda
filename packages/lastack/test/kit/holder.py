# Keeps a network namespace for a test, and ends every process in it when standard input closes: when the test
# disposes the namespace, and just as well when the test process was killed. Writes "ready" once loopback is up.
# Argument: the network namespace of the test, as its link reads: there, nothing must ever be ended.
import os
import signal
import subprocess
import sys
import time

OWN = os.readlink('/proc/self/ns/net')
if OWN == sys.argv[1]:
    sys.exit('the namespace is not a private one')

# Ctrl-C reaches the whole process group; the holder must outlive it to clean up.
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)


def end(pid):
    """Ends a process of this namespace; says whether there was one. The pidfd excludes a reused pid."""
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if os.readlink('/proc/%d/ns/net' % pid) != OWN:
            return False
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        return True
    except OSError:
        return False
    finally:
        os.close(pidfd)


def end_all():
    pids = [int(name) for name in os.listdir('/proc') if name.isdigit()]
    return [pid for pid in pids if pid != os.getpid() and end(pid)]


subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
# The fe80 address makes scoped, link-local connections possible on loopback; a host without IPv6 does without.
subprocess.run(['ip', '-6', 'address', 'add', 'fe80::1/64', 'dev', 'lo', 'nodad'], stderr=subprocess.DEVNULL)
print('ready', flush=True)
sys.stdin.buffer.read()
while end_all():
    time.sleep(0.002)
