# Fault: none. A server with a thread a connection whose handlers take 3 to 5 s, and answer also clients that have left.
# The doctor says nothing.
import itertools
import socketserver
import sys
import time

PORT = int(sys.argv[1])

durations = itertools.cycle((3, 4, 5))


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(1024)
        time.sleep(next(durations))
        try:
            self.request.sendall(b'done\n')
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


with Server(('', PORT), Handler) as server:
    print('ready', PORT, flush=True)
    server.serve_forever()
