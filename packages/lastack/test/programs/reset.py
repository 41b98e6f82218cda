# A client that connects, says something, and resets its connections when told by a line on standard input.
# Arguments: HOST PORT CONNECTIONS
import socket
import struct
import sys

HOST, PORT, COUNT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

connections = []
for _ in range(COUNT):
    connection = socket.create_connection((HOST, PORT))
    connection.sendall(b'hello\n')
    # SO_LINGER with a time of 0 makes close() send RST instead of FIN.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connections.append(connection)
print('ready', flush=True)
sys.stdin.readline()
