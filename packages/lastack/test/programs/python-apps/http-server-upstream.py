# Fault: a web server asks another one without a time-out, while its own client has long gone.
# Arguments: UPSTREAM_PORT
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

UPSTREAM = f'http://127.0.0.1:{sys.argv[1]}'


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        with urllib.request.urlopen(UPSTREAM + self.path) as answer:  # held and executing here
            body = answer.read()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print('ready', server.server_address[1], flush=True)
server.serve_forever()
