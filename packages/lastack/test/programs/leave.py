# A client that connects, says something, and leaves properly.
# Arguments: HOST PORT CONNECTIONS BYTES
import socket
import sys

HOST, PORT, COUNT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
REQUEST = b'hello\n'.ljust(int(sys.argv[4]), b'.')[:int(sys.argv[4])]

for _ in range(COUNT):
    with socket.create_connection((HOST, PORT)) as connection:
        if REQUEST:
            connection.sendall(REQUEST)
print('ready', flush=True)
