# Fault: an error leaves a lock taken, and the threads of all later handlers wait for it.
# The doctor says: close-wait-leak, blocked-elsewhere (as many threads in futex as there are connections).
import socket
import sys
import threading

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

database = threading.Lock()
database.acquire()
if HEALTHY:
    database.release()


def handle(connection):
    with connection:
        connection.recv(1024)
        with database:
            connection.sendall(b'stored\n')


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    threading.Thread(target=handle, args=listener.accept()[:1], daemon=True).start()
