# A client that connects, says something, and stays: it reads what comes and closes when its server does. On a line
# "close" or "shutdown" on standard input it closes its connections, or their sending side.
# Arguments: HOST PORT CONNECTIONS; flag --deaf reads nothing
import select
import socket
import sys

HOST, PORT, COUNT, DEAF = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), '--deaf' in sys.argv

connections = set()
for _ in range(COUNT):
    connection = socket.create_connection((HOST, PORT))
    connection.sendall(b'hello\n')
    connections.add(connection)
print('ready', flush=True)


def obey(command):
    for connection in connections:
        if command == 'close':
            connection.close()
        elif command == 'shutdown':
            connection.shutdown(socket.SHUT_WR)
    if command == 'close':
        connections.clear()


while True:
    for each in select.select([sys.stdin, *(() if DEAF else connections)], [], [])[0]:
        if each is sys.stdin:
            obey(sys.stdin.readline().strip())
            break
        if not each.recv(65536):
            connections.discard(each)
            each.close()
