# A web server that keeps its connections, and closes them all when told: a line on standard input.
# Arguments: PORT BYTES
import select
import socket
import sys

PORT, BYTES = int(sys.argv[1]), int(sys.argv[2])
ANSWER = f'HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\n\r\n'.encode() + bytes(BYTES)

listener = socket.create_server(('', PORT))
connections = []
print('ready', PORT, flush=True)
while True:
    for each in select.select([listener, sys.stdin], [], [])[0]:
        if each is listener:
            connection, _ = listener.accept()
            connection.recv(65536)
            connection.sendall(ANSWER)
            connections.append(connection)
        elif sys.stdin.readline():
            for connection in connections:
                connection.close()
            connections.clear()
