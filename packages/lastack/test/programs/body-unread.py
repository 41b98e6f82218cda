# Fault: the server reads the head of a request, does not like it, and leaves the body and the connection alone.
# The doctor says: close-wait-leak (data lies unread, and the server is back in accept).
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

rejected = []


def handle(connection):
    head = connection.recv(5)
    if head != b'PUT /':
        rejected.append(connection)
        if HEALTHY:
            connection.close()
        return
    connection.close()


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    handle(listener.accept()[0])
