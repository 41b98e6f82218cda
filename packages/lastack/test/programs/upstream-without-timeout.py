# Fault: a proxy that waits for its upstream's answer without a time-out, while its own client has long gone.
# The doctor says: close-wait-leak, blocked-elsewhere (in recvfrom on another descriptor).
# Arguments: PORT UPSTREAM_PORT
import socket
import sys

PORT, UPSTREAM, HEALTHY = int(sys.argv[1]), int(sys.argv[2]), '--healthy' in sys.argv


def handle(connection):
    request = connection.recv(1024)
    with connection, socket.create_connection(('127.0.0.1', UPSTREAM)) as upstream:
        if HEALTHY:
            upstream.settimeout(0.05)
        upstream.sendall(request)
        try:
            connection.sendall(upstream.recv(1024))
        except TimeoutError:
            pass


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    handle(listener.accept()[0])
