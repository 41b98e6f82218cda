# Fault: a server that takes requests and never answers; it closes when its client does. Its clients hang, not itself.
import socket
import sys
import threading

PORT = int(sys.argv[1])


def handle(connection):
    with connection:
        while connection.recv(1024):
            pass


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    connection, _ = listener.accept()
    threading.Thread(target=handle, args=(connection,), daemon=True).start()
