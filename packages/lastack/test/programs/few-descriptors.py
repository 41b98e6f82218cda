# Fault: a server whose clients stay connected runs with a limit of 64 descriptors (ulimit -n 64).
# The doctor says: fd-limit-near.
import resource
import select
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

if not HEALTHY:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

listener = socket.create_server(('', PORT))
connections = set()
print('ready', PORT, flush=True)
while True:
    for each in select.select([listener, *connections], [], [])[0]:
        if each is listener:
            connections.add(listener.accept()[0])
        elif not each.recv(1024):
            connections.discard(each)
            each.close()
