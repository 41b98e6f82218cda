# Fault: the server forks a worker a connection and forgets to close its own copy: the worker's close sends no FIN.
# The doctor says: inherited-socket, held by server and worker.
import os
import signal
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
connections = []


def serve(connection):
    listener.close()
    while data := connection.recv(1024):
        connection.sendall(data)
    connection.close()
    os._exit(0)


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    connection, _ = listener.accept()
    if os.fork() == 0:
        serve(connection)
    if HEALTHY:
        connection.close()
    else:
        connections.append(connection)
