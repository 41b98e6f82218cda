# Fault: the server keeps connections that it never looks at again; the kernel drops them (a reset, or an unanswered
# keepalive), the descriptors stay. The doctor says: dead-descriptor.
# Flag: --keepalive probes each connection after a second of silence
import select
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv
KEEPALIVE = ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 1))


def is_over(connection):
    try:
        return not connection.recv(1024)
    except OSError:
        return True


listener = socket.create_server(('', PORT))
connections = set()
print('ready', PORT, flush=True)
while True:
    ready, _, _ = select.select([listener, *connections] if HEALTHY else [listener], [], [])
    for each in ready:
        if each is not listener:
            if is_over(each):
                connections.discard(each)
                each.close()
            continue
        connection, _ = listener.accept()
        connection.recv(1024)
        if '--keepalive' in sys.argv:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in KEEPALIVE:
                connection.setsockopt(socket.IPPROTO_TCP, option, value)
        connections.add(connection)
