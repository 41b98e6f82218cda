# Fault: an error leaves a lock taken. The threads of the pool wait for it, and nobody begins with the clients that come later.
# The doctor says: close-wait-leak, blocked-elsewhere (as many were read from as there are threads in futex).
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

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
with ThreadPoolExecutor(max_workers=3) as pool:
    while True:
        pool.submit(handle, listener.accept()[0])
