# A client that uploads over HTTP, does not wait for the answer, and leaves.
# Arguments: HOST PORT CONNECTIONS BYTES
import socket
import sys

HOST, PORT, COUNT, BYTES = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
HEAD = f'POST /upload HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {BYTES}\r\n\r\n'.encode()

for _ in range(COUNT):
    with socket.create_connection((HOST, PORT)) as connection:
        connection.sendall(HEAD + bytes(BYTES))
print('ready', flush=True)
