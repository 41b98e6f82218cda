# Fault: at the end of the stream the connection is unregistered, and stays in the table of sessions.
import selectors
import socket

selector = selectors.DefaultSelector()
sessions = {}  # held here


def accept(listener):
    connection, peer = listener.accept()
    connection.setblocking(False)
    sessions[peer] = connection
    selector.register(connection, selectors.EVENT_READ, answer)


def answer(connection):
    data = connection.recv(1024)
    if data:
        connection.send(data)
    else:
        selector.unregister(connection)


server = socket.create_server(('127.0.0.1', 0))
server.setblocking(False)
selector.register(server, selectors.EVENT_READ, accept)
print('ready', server.getsockname()[1], flush=True)
while True:
    for key, _ in selector.select():
        key.data(key.fileobj)
