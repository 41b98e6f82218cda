# Fault: none; many sockets. Connects to itself until it has as many as asked, a tenth each of them in CLOSE-WAIT,
# FIN-WAIT-2 and TIME-WAIT, the others ESTABLISHED. Arguments: ADDRESS PORT SOCKETS
import resource
import socket
import sys
import time

ADDRESS, PORT, SOCKETS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
family = socket.AF_INET6 if ':' in ADDRESS else socket.AF_INET
listener = socket.create_server((ADDRESS, PORT), family=family, backlog=16)
kept = []
made = 1
while made < SOCKETS:
    client = socket.create_connection((ADDRESS, PORT))
    server, _ = listener.accept()
    turn = len(kept) % 10
    if turn == 0:
        # CLOSE-WAIT and FIN-WAIT-2.
        client.shutdown(socket.SHUT_WR)
    elif turn == 1:
        # One TIME-WAIT; the other end is gone.
        client.close()
        server.close()
    kept.append((client, server))
    made += 1 if turn == 1 else 2
print('ready', made, flush=True)
time.sleep(3600)
