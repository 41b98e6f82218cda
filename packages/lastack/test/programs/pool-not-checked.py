# Fault: a pool of connections that nobody looks at until they are needed, so that a restart of their server leaves them all.
# The doctor says: close-wait-leak, a warning without growth: they have come at once.
# Arguments: HOST PORT CONNECTIONS
import select
import signal
import socket
import sys

HOST, PORT, COUNT, HEALTHY = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), '--healthy' in sys.argv

pool = []
for _ in range(COUNT):
    connection = socket.create_connection((HOST, PORT))
    connection.sendall(b'hello\n')
    pool.append(connection)
print('ready', flush=True)
while HEALTHY and pool:
    # Whatever comes on an idle connection is its end.
    for connection in select.select(pool, [], [])[0]:
        pool.remove(connection)
        connection.close()
signal.pause()
