# Fault: a client waits without a time-out for the answer of a server that says nothing.
# The doctor says: read-hanging.
# Arguments: HOST PORT
import socket
import sys

HOST, PORT, HEALTHY = sys.argv[1], int(sys.argv[2]), '--healthy' in sys.argv

with socket.create_connection((HOST, PORT)) as connection:
    connection.settimeout(0.2 if HEALTHY else None)
    connection.sendall(b'request\n')
    print('ready', flush=True)
    try:
        connection.recv(1024)
    except TimeoutError:
        pass
