# traffic.py KIND: as traffic.mjs. The clients' thread and the server's are of one process.
import http.client
import http.server
import socket
import sys
import threading
import time


def exchange(port):
    with socket.create_connection(('127.0.0.1', port)) as connection:
        while connection.recv(100):
            pass


def serve(listener):
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b'hello')


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'hello')

    def log_message(self, *_):
        pass


def request(port):
    connection = http.client.HTTPConnection('127.0.0.1', port)
    connection.request('GET', '/')
    connection.getresponse().read()
    connection.close()


if sys.argv[1] == 'bare TCP pair':
    listener = socket.create_server(('127.0.0.1', 0))
    server, operation, port = (lambda: serve(listener)), exchange, listener.getsockname()[1]
else:
    web = http.server.HTTPServer(('127.0.0.1', 0), Handler)
    server, operation, port = web.serve_forever, request, web.server_port
threading.Thread(target=server, daemon=True).start()
print('ready', flush=True)
while True:
    line = sys.stdin.readline()
    if not line:
        break
    count = int(line)
    before = time.process_time()
    for _ in range(count):
        operation(port)
    print((time.process_time() - before) * 1e3, count, flush=True)
