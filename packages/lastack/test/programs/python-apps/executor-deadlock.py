# Fault: a task of a pool waits for another task of the same pool, which has no thread left for it.
import socket
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(max_workers=1)  # queued here


def render(request):
    return request.upper()


def serve(connection):
    with connection:
        page = pool.submit(render, connection.recv(1024))
        connection.sendall(page.result())  # held and executing here


listener = socket.create_server(('127.0.0.1', 0))
print('ready', listener.getsockname()[1], flush=True)
while True:
    pool.submit(serve, listener.accept()[0])
