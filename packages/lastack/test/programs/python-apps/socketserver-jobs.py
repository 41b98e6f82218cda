# Fault: requests are left open for a worker that is to answer them, and has died of the first.
import queue
import socketserver
import threading

jobs = queue.Queue()  # held here


class Server(socketserver.TCPServer):
    allow_reuse_address = True

    def shutdown_request(self, request):
        pass


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        jobs.put((self.request, self.rfile.readline()))


def work():
    while True:
        request, line = jobs.get()
        request.sendall(b'%d\n' % int(line))
        request.close()


threading.Thread(target=work, daemon=True).start()
with Server(('127.0.0.1', 0), Handler) as server:
    print('ready', server.server_address[1], flush=True)
    server.serve_forever()
