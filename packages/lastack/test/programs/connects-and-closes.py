"""Connects and closes first, as fast as it may, and writes down what the kernel allowed.

connects-and-closes.py PORT SECONDS DESTINATIONS SOURCES: for SECONDS (0: until a connect fails); addresses by comma.
"""
import errno
import itertools
import json
import socket
import sys
import time

port, seconds = int(sys.argv[1]), float(sys.argv[2])
destinations, sources = (argument.split(",") for argument in sys.argv[3:5])
IP_BIND_ADDRESS_NO_PORT = 24

pairs = itertools.cycle(itertools.product(destinations, sources))
full = len(destinations) * len(sources)
connected = refused = 0
first_refusal = None
started = time.monotonic()
print("ready", flush=True)
while refused < full if seconds == 0 else time.monotonic() - started < seconds:
    destination, source = next(pairs)
    client = socket.socket()
    try:
        client.setsockopt(socket.SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        client.bind((source, 0))
        client.connect((destination, port))
        connected += 1
        refused = 0
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        refused += 1
        first_refusal = first_refusal or time.monotonic() - started
    finally:
        client.close()
print(json.dumps({"connected": connected, "firstRefusalMs": (first_refusal or 0) * 1000}), flush=True)
