# Fault: none. Three workers share the listener of the parent, as pre-forking servers do. The doctor says nothing.
import os
import socket
import sys

PORT = int(sys.argv[1])

listener = socket.create_server(('', PORT), backlog=4096)


def work():
    while True:
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(1024):
                connection.sendall(data)


for _ in range(3):
    if os.fork() == 0:
        work()
print('ready', PORT, flush=True)
os.wait()
