# Clients that ask and leave before the answer, one after the other, for a bounded time. Writes "ready" after each.
# Arguments: HOST PORT SECONDS
import socket
import sys
import time

HOST, PORT, SECONDS = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])

end = time.monotonic() + SECONDS
while time.monotonic() < end:
    with socket.create_connection((HOST, PORT)) as connection:
        connection.sendall(b'hello\n')
        time.sleep(0.25)
    print('ready', flush=True)
