# Fault: the responses are kept unread and never closed.
import http.client
import http.server
import threading
import time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', '5')
        self.send_header('Connection', 'close')
        self.end_headers()
        self.wfile.write(b'hello')

    def log_message(self, *args):
        pass


def download(port):
    connection = http.client.HTTPConnection('127.0.0.1', port)
    connection.request('GET', '/')  # made here
    return connection.getresponse()


server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
responses = [download(server.server_port) for _ in range(3)]
time.sleep(1.5)
