# Fault: the handler runs a command that does not end.
# The doctor says: close-wait-leak, blocked-elsewhere (in wait4 for that child).
import socket
import subprocess
import sys

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv


def handle(connection):
    connection.recv(1024)
    subprocess.run(['sleep', '0' if HEALTHY else '3600'])
    connection.close()


listener = socket.create_server(('', PORT))
print('ready', PORT, flush=True)
while True:
    handle(listener.accept()[0])
