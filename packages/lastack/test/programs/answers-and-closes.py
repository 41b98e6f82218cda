# A web server that answers, and closes the connection a little later, as servers end idle connections.
# Argument: PORT
import http.server
import sys

PORT = int(sys.argv[1])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    timeout = 0.2

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', '6')
        self.end_headers()
        self.wfile.write(b'hello\n')

    def log_message(self, *arguments):
        pass


with http.server.ThreadingHTTPServer(('', PORT), Handler) as server:
    print('ready', PORT, flush=True)
    server.serve_forever()
