# Fault: a child keeps what its parent has closed.
import os
import socket
import time

listener = socket.create_server(('127.0.0.1', 0))
connection = socket.create_connection(listener.getsockname())  # made here
peer, _ = listener.accept()
if os.fork() == 0:
    listener.close()
    peer.close()
    time.sleep(1.5)
    os._exit(0)
connection.close()
other = socket.socket()  # takes the number of the descriptor
peer.close()
other.close()
os.wait()
