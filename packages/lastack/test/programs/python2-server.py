# Fault: a Python 2.7 server reads to the end of the stream, keeps the connection, and never closes it.
# The doctor says: close-wait-leak, close-skipped (it has read the end and is back in accept).
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

history = []


def handle(connection):
    request = ''
    while True:
        data = connection.recv(1024)
        if not data:
            break
        request += data
    history.append((connection, request))
    if HEALTHY:
        connection.close()


listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('', PORT))
listener.listen(128)
print('ready %d' % PORT)
sys.stdout.flush()
while True:
    handle(listener.accept()[0])
