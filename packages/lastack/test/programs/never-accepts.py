# Fault: the server listens, then hangs in its start-up; the kernel completes connections that nobody accepts.
# The doctor says: accept-backlog-stalled (the CLOSE-WAITs among them have no descriptor yet).
import socket
import sys
import threading
import time

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv


def handle(connection):
    with connection:
        while connection.recv(1024):
            pass


listener = socket.create_server(('', PORT), backlog=128)
print('ready', PORT, flush=True)
if not HEALTHY:
    time.sleep(3600)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=handle, args=(connection,), daemon=True).start()
