# Fault: an edge-triggered event loop that reads once an event; what does not fit is never read, nor is the end.
# The doctor says: close-wait-leak, data-abandoned.
import select
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

listener = socket.create_server(('', PORT))
epoll = select.epoll()
epoll.register(listener, select.EPOLLIN)
connections = {}
print('ready', PORT, flush=True)


def read(connection):
    """Says whether the peer is done."""
    try:
        data = connection.recv(100)
        while HEALTHY and data:
            data = connection.recv(100)
        return not data
    except BlockingIOError:
        return False


while True:
    for fd, _ in epoll.poll():
        if fd == listener.fileno():
            connection, _ = listener.accept()
            connection.setblocking(False)
            connections[connection.fileno()] = connection
            epoll.register(connection, select.EPOLLIN | select.EPOLLET)
        elif read(connections[fd]):
            connections.pop(fd).close()
