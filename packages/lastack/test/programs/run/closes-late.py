# No fault: a handler that closes a while after its client has left. lastack run says nothing.
import socket
import time

server = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(server.getsockname())
connection, _ = server.accept()
client.close()
time.sleep(1.5)
connection.close()
time.sleep(1.5)
server.close()
