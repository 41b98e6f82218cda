# Fault: the handler backs off for an hour with its connection open.
# The doctor says: close-wait-leak, blocked-elsewhere (in clock_nanosleep).
import socket
import sys
import time

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv


def handle(connection):
    connection.recv(1024)
    time.sleep(0.01 if HEALTHY else 3600)
    connection.close()


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    handle(listener.accept()[0])
