# Fault: the server reads to the end and does not close.
import socket
import threading
import time

kept = []


def serve(listener):
    while True:
        connection, _ = listener.accept()  # made here
        kept.append(connection)


listener = socket.create_server(('127.0.0.1', 0))
threading.Thread(target=serve, args=(listener,), daemon=True).start()
for _ in range(2):
    socket.create_connection(listener.getsockname()).close()
time.sleep(1.5)
