# Clients that come faster than a slow server takes them, in waves, for a bounded time; each closes when it has had a while.
# Writes "ready" after each wave.
# Arguments: HOST PORT SECONDS
import socket
import sys
import time

HOST, PORT, SECONDS = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])

end = time.monotonic() + SECONDS
while time.monotonic() < end:
    wave = []
    for _ in range(20):
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex((HOST, PORT))
        wave.append(connection)
    time.sleep(0.2)
    for connection in wave:
        connection.close()
    print('ready', flush=True)
