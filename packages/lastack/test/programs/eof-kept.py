# Fault: the server reads to the end of the stream, keeps the connection in its history, and never closes it.
# The doctor says: close-wait-leak, close-skipped (it has read the end and is back in accept).
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

history = []


def handle(connection):
    request = b''
    while data := connection.recv(1024):
        request += data
    history.append((connection, request))
    if HEALTHY:
        connection.close()


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    handle(listener.accept()[0])
