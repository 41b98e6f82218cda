# Fault: a client that asks again and again on new connections, reads each answer and keeps the connection.
# The doctor says: close-wait-leak, close-skipped (it sleeps between its requests, but it is not blocked).
# Arguments: HOST PORT SECONDS
import http.client
import sys
import time

HOST, PORT, SECONDS, HEALTHY = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), '--healthy' in sys.argv

end = time.monotonic() + SECONDS
kept = []
print('ready', flush=True)
while True:
    connection = http.client.HTTPConnection(HOST, PORT)
    connection.request('GET', '/')
    answer = connection.getresponse()
    answer.read()
    if HEALTHY:
        connection.close()
    else:
        kept.append((connection, answer))
    time.sleep(0.2 if time.monotonic() < end else 3600)
