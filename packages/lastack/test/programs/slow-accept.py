# Fault: a server with a backlog of 2 that serves one client after the other, too slowly for those who come.
# The doctor says: listen-overflow.
import socket
import sys
import time

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

listener = socket.create_server(('', PORT), backlog=4096 if HEALTHY else 2)
print('ready', PORT, flush=True)
while True:
    connection, _ = listener.accept()
    if not HEALTHY:
        time.sleep(0.2)
    connection.close()
