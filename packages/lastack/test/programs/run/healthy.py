# All that the faulty programs do, and closed.
import socket
import urllib.request
import http.server
import threading

server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
server.RequestHandlerClass.log_message = lambda *args: None
thread = threading.Thread(target=server.serve_forever)
thread.start()
for _ in range(3):
    with urllib.request.urlopen('http://127.0.0.1:%d/' % server.server_port) as response:
        response.read()
    with socket.create_connection(('127.0.0.1', server.server_port)):
        pass
server.shutdown()
server.server_close()
thread.join()
