# Fault: the server forks a child a request and never waits for it.
# The doctor says: zombie-children.
import os
import signal
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

if HEALTHY:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def handle(connection):
    while connection.recv(1024):
        pass
    connection.close()


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    connection, _ = listener.accept()
    if os.fork() == 0:
        handle(connection)
        os._exit(0)
    connection.close()
