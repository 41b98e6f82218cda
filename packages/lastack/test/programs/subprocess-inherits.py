# Fault: a command that the server starts inherits the connection, and outlives the request.
# The doctor says: close-wait-leak, held by the command (the server has closed its own copy).
import os
import socket
import subprocess
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

jobs = []


def handle(connection):
    connection.recv(1024)
    os.set_inheritable(connection.fileno(), not HEALTHY)
    jobs.append(subprocess.Popen(['sleep', '3600'], close_fds=HEALTHY))
    connection.close()


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    handle(listener.accept()[0])
