# Fault: an error leaves a lock taken, and every later handler waits for it.
# The doctor says: close-wait-leak, blocked-elsewhere (in futex).
import socket
import sys
import threading

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

database = threading.Lock()


def store(request):
    database.acquire()
    if HEALTHY or request.strip().isdigit():
        database.release()


def handle(connection):
    # The second store waits for what the first has not given back.
    for line in connection.recv(1024).splitlines() * 2:
        store(line)
    connection.close()


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    handle(listener.accept()[0])
