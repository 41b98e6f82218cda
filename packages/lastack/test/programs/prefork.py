# Nothing is wrong here: two workers accept from one listening socket that their parent made.
import os
import signal
import socket
import sys

listening = socket.socket()
listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listening.bind(("127.0.0.1", int(sys.argv[1])))
listening.listen(16)
workers = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        while True:
            connection, _ = listening.accept()
            connection.recv(1)
            connection.close()
    workers.append(pid)
print("ready", flush=True)
sys.stdin.readline()
for worker in workers:
    os.kill(worker, signal.SIGTERM)
    os.waitpid(worker, 0)
