# Fault: all of them. Brings TCP sockets into every state that can be made, over each kind of address, and keeps them.
# It needs the rules of kit/zoo.ts on its ports. Argument: a private namespace's first port of five.
import socket
import sys
import time

PLAIN = int(sys.argv[1])
# What the rules drop: the client's SYN, the server's SYN-ACK, the client's FIN, the server's FIN.
NO_SYN, NO_SYN_ACK, NO_CLIENT_FIN, NO_SERVER_FIN = range(PLAIN + 1, PLAIN + 5)

kept = []


def keep(*sockets):
    kept.extend(sockets)


class Kind:
    """A kind of address; mapped ones are IPv6 sockets over IPv4."""

    def __init__(self, family, address, scope=None):
        self.family = family
        self.address = address
        self.scope = socket.if_nametoindex(scope) if scope else 0
        self.listeners = {}

    def at(self, port):
        if self.family == socket.AF_INET:
            return self.address, port
        return self.address, port, 0, self.scope

    def socket(self):
        made = socket.socket(self.family)
        if self.address.startswith('::ffff:'):
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        return made

    def listen(self, port):
        listener = self.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(self.at(port))
        listener.listen(16)
        self.listeners[port] = listener
        keep(listener)

    def connect(self, port, accept=True):
        client = self.socket()
        client.connect(self.at(port))
        if not accept:
            return client
        return client, self.listeners[port].accept()[0]

    def begin(self, port):
        client = self.socket()
        client.setblocking(False)
        client.connect_ex(self.at(port))
        keep(client)

    def fill(self):
        for port in (PLAIN, NO_SYN_ACK, NO_CLIENT_FIN, NO_SERVER_FIN):
            self.listen(port)
        # SYN-SENT twice, and SYN-RECEIVED on the listener's side of the second.
        self.begin(NO_SYN)
        self.begin(NO_SYN_ACK)

        # ESTABLISHED: idle, with unread and unsent bytes, and not accepted. The last comes last: accept() goes in order.
        keep(*self.connect(PLAIN))
        client, server = self.connect(PLAIN)
        server.setblocking(False)
        client.send(b'unread')
        try:
            while True:
                server.send(bytes(65536))
        except BlockingIOError:
            pass
        keep(client, server)

        # CLOSE-WAIT with its end read and unread; FIN-WAIT-2 held by a descriptor and orphaned.
        client, server = self.connect(PLAIN)
        client.send(b'some')
        client.shutdown(socket.SHUT_WR)
        while server.recv(1024):
            pass
        keep(client, server)
        client, server = self.connect(PLAIN)
        client.send(b'some')
        client.close()
        keep(server)

        # TIME-WAIT.
        client, server = self.connect(PLAIN)
        client.close()
        server.recv(1)
        server.close()

        # FIN-WAIT-1, held and orphaned.
        client, server = self.connect(NO_CLIENT_FIN)
        client.shutdown(socket.SHUT_WR)
        keep(client, server)
        client, server = self.connect(NO_CLIENT_FIN)
        client.close()
        keep(server)

        # CLOSING: the server's FIN comes when the client's own is lost.
        client, server = self.connect(NO_CLIENT_FIN)
        client.shutdown(socket.SHUT_WR)
        server.shutdown(socket.SHUT_WR)
        keep(client, server)

        # LAST-ACK: the server closes as well, and its FIN is lost.
        client, server = self.connect(NO_SERVER_FIN)
        client.shutdown(socket.SHUT_WR)
        server.recv(1)
        server.close()
        keep(client)

        # In the accept queue: ESTABLISHED and CLOSE-WAIT without an inode.
        keep(self.connect(PLAIN, accept=False))
        self.connect(PLAIN, accept=False).close()

        # CLOSED: bound to a port, not connected.
        bound = self.socket()
        bound.bind(self.at(0))
        keep(bound)


for kind in (
    Kind(socket.AF_INET, '127.0.0.1'),
    Kind(socket.AF_INET6, '::1'),
    Kind(socket.AF_INET6, '::ffff:127.0.0.2'),
    Kind(socket.AF_INET6, 'fe80::1', scope='lo'),
):
    kind.fill()
print('ready', flush=True)
time.sleep(3600)
