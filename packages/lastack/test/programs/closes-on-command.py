# Fault: none of its own; it closes all its connections when told (a line on standard input), and what the kernel then does
# depends on its peers. The doctor says: peer-vanished, when these have gone without a word.
import select
import socket
import sys

PORT = int(sys.argv[1])

listener = socket.create_server(('', PORT))
connections = []
print('ready', PORT, flush=True)
while True:
    for each in select.select([listener, sys.stdin], [], [])[0]:
        if each is listener:
            connection, _ = listener.accept()
            connection.recv(1024)
            connections.append(connection)
        elif sys.stdin.readline():
            for connection in connections:
                connection.close()
            connections.clear()
