# Fault: the program ends without closing its connection. Argument: the port.
import socket
import sys

connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))  # made here
