# Fault: the handler asks an operator on standard input, and nobody answers.
# The doctor says: close-wait-leak, blocked-elsewhere (in read on descriptor 0).
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv


def handle(connection):
    connection.recv(1024)
    if not HEALTHY:
        sys.stdin.readline()
    connection.close()


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    handle(listener.accept()[0])
