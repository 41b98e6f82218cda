# Fault: an exception jumps over close(), is noted together with its connection, and the server goes on.
# The doctor says: close-wait-leak, close-skipped.
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

failures = []


def handle(connection):
    try:
        amount = int(connection.recv(1024))
        connection.sendall(b'%d\n' % amount)
        connection.close()
    except ValueError as error:
        failures.append((connection, error))
        if HEALTHY:
            connection.close()


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    handle(listener.accept()[0])
