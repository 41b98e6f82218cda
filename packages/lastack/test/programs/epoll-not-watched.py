# Fault: an event loop that reads the first request at once and forgets to register the connection for the rest.
# The doctor says: close-wait-leak, not-watched.
import select
import socket
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

listener = socket.create_server(('', PORT))
epoll = select.epoll()
epoll.register(listener, select.EPOLLIN)
sessions = {}
print('ready', PORT, flush=True)
while True:
    for fd, _ in epoll.poll():
        if fd == listener.fileno():
            connection, _ = listener.accept()
            sessions[connection.fileno()] = (connection, connection.recv(1024))
            if HEALTHY:
                epoll.register(connection, select.EPOLLIN)
        elif not sessions[fd][0].recv(1024):
            sessions.pop(fd)[0].close()
