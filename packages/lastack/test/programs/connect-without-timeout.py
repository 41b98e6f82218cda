# Fault: a client connects without a time-out to a host that does not answer.
# The doctor says: connect-hanging.
# Arguments: HOST PORT
import socket
import sys
import threading

HOST, PORT, HEALTHY = sys.argv[1], int(sys.argv[2]), '--healthy' in sys.argv


def fetch():
    try:
        socket.create_connection((HOST, PORT), timeout=0.2 if HEALTHY else None).close()
    except TimeoutError:
        pass


print('ready', flush=True)
fetches = [threading.Thread(target=fetch) for _ in range(3)]
for each in fetches:
    each.start()
for each in fetches:
    each.join()
