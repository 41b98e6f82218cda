# Fault: a connection a host is kept for the next request, and nobody looks whether its server has closed it.
# Arguments: UPSTREAM_PORT
import http.client
import sys
import time

PORT = int(sys.argv[1])


class Sessions:
    def __init__(self):
        self.connections = {}

    def get(self, host, path):
        if host not in self.connections:
            self.connections[host] = http.client.HTTPConnection(host, PORT)
        connection = self.connections[host]
        connection.request('GET', path)
        return connection.getresponse().read(4)


sessions = Sessions()  # held here
for number in range(1, 6):
    sessions.get(f'127.0.0.{number}', '/health')
print('ready', flush=True)
time.sleep(3600)  # executing here
