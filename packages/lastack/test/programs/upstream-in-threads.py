# Fault: a proxy with a thread a connection, each of which waits without a time-out for an upstream's answer.
# The doctor says: close-wait-leak, blocked-elsewhere (threads in recvfrom on other descriptors).
# Arguments: PORT UPSTREAM_PORT
import socket
import socketserver
import sys

PORT, UPSTREAM, HEALTHY = int(sys.argv[1]), int(sys.argv[2]), '--healthy' in sys.argv


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        request = self.request.recv(1024)
        with socket.create_connection(('127.0.0.1', UPSTREAM)) as upstream:
            upstream.settimeout(0.05 if HEALTHY else None)
            upstream.sendall(request)
            try:
                self.request.sendall(upstream.recv(1024))
            except TimeoutError:
                pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


with Server(('', PORT), Handler) as server:
    print('ready', PORT, flush=True)
    server.serve_forever()
