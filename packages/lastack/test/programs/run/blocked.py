# Fault: the program computes for ever as soon as it is connected. Argument: the port.
import socket
import sys

connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))  # made here
print('ready', flush=True)
while True:
    pass
