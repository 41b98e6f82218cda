# Fault: an event loop that does nothing when a read returns no bytes, so epoll reports the end of the stream for ever.
# The doctor says: close-wait-leak, eof-ignored (and the loop is busy).
import select
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

listener = socket.create_server(('', PORT))
epoll = select.epoll()
epoll.register(listener, select.EPOLLIN)
connections = {}
print('ready', PORT, flush=True)
while True:
    for fd, _ in epoll.poll():
        if fd == listener.fileno():
            connection, _ = listener.accept()
            connections[connection.fileno()] = connection
            epoll.register(connection, select.EPOLLIN)
            continue
        data = connections[fd].recv(1024)
        if HEALTHY and not data:
            connections.pop(fd).close()
