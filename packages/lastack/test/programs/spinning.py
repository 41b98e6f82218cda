# Fault: the handler computes for ever and never comes back to its connection.
# The doctor says: close-wait-leak, spinning.
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv


def handle(connection):
    request = connection.recv(1024)
    position = 0
    while position >= 0:
        # The same line end is found again and again: the fault is the missing step beyond it.
        position = request.find(b'\n', position + 1 if HEALTHY else position)
    connection.close()


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    handle(listener.accept()[0])
