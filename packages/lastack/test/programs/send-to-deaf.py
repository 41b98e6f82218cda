# Fault: a server sends a large answer without a time-out to a client that does not read.
# The doctor says: send-stuck.
import socket
import sys

PORT = int(sys.argv[1])

listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    connection, _ = listener.accept()
    connection.recv(1024)
    connection.sendall(bytes(20_000_000))
    connection.close()
