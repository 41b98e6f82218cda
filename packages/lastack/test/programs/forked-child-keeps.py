# Fault: each request starts a long job in a forked child, which inherits the connection and keeps it for the job's time.
# The doctor says: close-wait-leak, held by the children (the server has closed its own copy).
import os
import signal
import socket
import sys
import time

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def handle(connection):
    connection.recv(1024)
    if os.fork() == 0:
        listener.close()
        if HEALTHY:
            connection.close()
        time.sleep(3600)
        os._exit(0)
    connection.close()


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    handle(listener.accept()[0])
