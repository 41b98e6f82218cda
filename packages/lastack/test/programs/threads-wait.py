# Fault: a thread a connection, and each waits without a time-out for the result of a worker that is not there.
# The doctor says: close-wait-leak, blocked-elsewhere (threads in futex).
import socketserver
import sys
import threading

PORT, HEALTHY = int(sys.argv[1]), '--healthy' in sys.argv

result = threading.Event()


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(1024)
        result.wait(0.05 if HEALTHY else None)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


with Server(('', PORT), Handler) as server:
    print('ready', PORT, flush=True)
    server.serve_forever()
