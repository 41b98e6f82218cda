# Fault: a stream of events goes on until the next event, which may never come, to clients that have long gone.
import queue
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

subscribers = []


class Events(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'text/event-stream')
        self.end_headers()
        events = queue.Queue()
        subscribers.append(events)
        while True:
            self.send(events.get())  # held and executing here

    def send(self, event):
        self.wfile.write(b'data: %s\n\n' % event)

    def log_message(self, *_):
        pass


with ThreadingHTTPServer(('127.0.0.1', 0), Events) as server:
    print('ready', server.server_address[1], flush=True)
    server.serve_forever()
