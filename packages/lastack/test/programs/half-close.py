# Fault: a client shuts its sending side and keeps the rest open for an end that its server never sends.
# The doctor says: fin-wait-2-held.
# Arguments: HOST PORT CONNECTIONS
import socket
import sys

HOST, PORT, COUNT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

connections = []
for _ in range(COUNT):
    connection = socket.create_connection((HOST, PORT))
    connection.sendall(b'request\n')
    connection.shutdown(socket.SHUT_WR)
    connections.append(connection)
print('ready', flush=True)
for connection in connections:
    while connection.recv(1024):
        pass
    connection.close()
sys.stdin.readline()
