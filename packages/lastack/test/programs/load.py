# A load generator, bounded in count and time: short connections one after the other, which the server or the client
# closes first, and some that stay and are used again and again. Writes "ready" when half of it is done.
# Arguments: HOST PORT REQUESTS SECONDS
import socket
import sys
import time

HOST, PORT, REQUESTS, SECONDS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])


def ask(connection):
    connection.sendall(b'hello\n')
    return connection.recv(1024)


end = time.monotonic() + SECONDS
kept = [socket.create_connection((HOST, PORT)) for _ in range(2)]
for number in range(REQUESTS):
    with socket.create_connection((HOST, PORT)) as connection:
        ask(connection)
    ask(kept[number % len(kept)])
    if number == REQUESTS // 2:
        print('ready', flush=True)
    # From the half on the load is spread over the time that is left, so that there is load for as long as asked.
    if number > REQUESTS // 2:
        time.sleep(max(0, (end - time.monotonic()) / (REQUESTS - number)))
