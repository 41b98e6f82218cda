# Fault: a non-blocking receive loop that takes the end of the stream for "no data yet".
# The doctor says: close-wait-leak, eof-ignored (the loop spins through system calls).
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv


def handle(connection):
    connection.setblocking(False)
    request = b''
    while not request.endswith(b'\n\n'):
        try:
            data = connection.recv(1024)
        except BlockingIOError:
            continue
        if HEALTHY and not data:
            break
        request += data
    connection.close()


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    handle(listener.accept()[0])
