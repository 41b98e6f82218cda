# Nothing is wrong here: connections that begin and end in all the ways that a kernel knows.
import ctypes
import socket
import struct
import sys
import threading

PORT = int(sys.argv[1])
ABORT = struct.pack("ii", 1, 0)
MPTCP = 262
TCP_FASTOPEN = 23
MSG_FASTOPEN = 0x20000000


def listener(port, protocol=0, fast=False):
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if fast:
        made.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
    made.bind(("127.0.0.1", port))
    made.listen(128)
    return made


def pair(port, protocol=0):
    with listener(port, protocol) as listening:
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
        client.connect(("127.0.0.1", port))
        server, _ = listening.accept()
        return client, server


def abort(end):
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    end.close()


def close_both_at_once(client, server):
    threads = [threading.Thread(target=end.close) for end in (client, server)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def reset_while_open():
    client, server = pair(PORT)
    abort(client)
    try:
        server.recv(1)
    except ConnectionResetError:
        pass
    server.close()


def close_with_unread_data():
    client, server = pair(PORT)
    client.sendall(b"unread")
    server.recv(1, socket.MSG_PEEK)
    server.close()
    client.close()


def data_after_close():
    client, server = pair(PORT)
    server.close()
    client.recv(1)
    client.sendall(b"late")
    try:
        client.recv(1)
    except OSError:
        pass
    client.close()


def abort_half_closed():
    client, server = pair(PORT)
    client.shutdown(socket.SHUT_WR)
    server.recv(1)
    abort(server)
    client.close()


def simultaneous_open():
    """Two sockets that connect to each other: SYN-SENT to SYN-RECEIVED."""
    ends = []
    for own in (PORT + 1, PORT + 2):
        end = socket.socket()
        end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        end.bind(("127.0.0.1", own))
        end.setblocking(False)
        ends.append(end)
    for _ in range(200):
        for end, other in zip(ends, (PORT + 2, PORT + 1)):
            end.connect_ex(("127.0.0.1", other))
    for end in ends:
        end.close()


def connect_to_itself():
    with socket.socket() as end:
        end.bind(("127.0.0.1", 0))
        end.connect(end.getsockname())


def connect_to_nobody():
    with socket.socket() as end:
        end.connect_ex(("127.0.0.1", PORT + 4))


def disconnect():
    """connect(AF_UNSPEC) takes a connection back."""
    client, server = pair(PORT)
    ctypes.CDLL(None).connect(client.fileno(), struct.pack("H14x", 0), 16)
    client.close()
    server.close()


def leave_in_backlog():
    with listener(PORT):
        clients = [socket.create_connection(("127.0.0.1", PORT)) for _ in range(5)]
    for client in clients:
        client.close()


def fast_open():
    with listener(PORT, fast=True) as listening:
        for _ in range(3):
            client = socket.socket()
            client.sendto(b"fast", MSG_FASTOPEN, ("127.0.0.1", PORT))
            server, _ = listening.accept()
            server.close()
            client.close()


def multipath():
    try:
        client, server = pair(PORT, MPTCP)
    except OSError:
        return
    client.sendall(b"x")
    server.recv(1)
    close_both_at_once(client, server)


def listen_again():
    with listener(PORT) as listening:
        listening.listen(5)
        listening.shutdown(socket.SHUT_RDWR)
        listening.listen(5)


ODD = [
    reset_while_open,
    close_with_unread_data,
    data_after_close,
    abort_half_closed,
    simultaneous_open,
    connect_to_itself,
    connect_to_nobody,
    disconnect,
    leave_in_backlog,
    fast_open,
    multipath,
    listen_again,
]

print("ready", flush=True)
sys.stdin.readline()
for _ in range(10):
    for odd in ODD:
        odd()
    for _ in range(50):
        close_both_at_once(*pair(PORT))
with listener(PORT + 5):
    pass
