# Fault: a client opens connections to one destination until the kernel has no local port left for it.
# The doctor says: port-exhaustion.
# Arguments: HOST PORT CONNECTIONS; flag --short closes each at once, so that TIME-WAITs hold the ports
import errno
import socket
import sys

HOST, PORT, COUNT, SHORT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), '--short' in sys.argv

connections = []
opened = 0
try:
    for _ in range(COUNT):
        connection = socket.create_connection((HOST, PORT))
        opened += 1
        if SHORT:
            connection.close()
        else:
            connections.append(connection)
except OSError as error:
    if error.errno != errno.EADDRNOTAVAIL:
        raise
print('ready', opened, flush=True)
sys.stdin.readline()
