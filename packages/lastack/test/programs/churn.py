# Nothing is wrong here: connections one after the other, each closed by both ends, the client first.
# Each end keeps its socket until the other has closed, so that the kernel tells of every change.
import socket
import sys

role, address, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
family = socket.AF_INET6 if ":" in address else socket.AF_INET


def serve():
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)
        print("ready", flush=True)
        for _ in range(count):
            connection, _ = listener.accept()
            connection.recv(1)
            connection.close()
        sys.stdin.readline()


def connect():
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(count):
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.connect((address, port))
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)
    sys.stdin.readline()


serve() if role == "serve" else connect()
