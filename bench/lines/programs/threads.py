# 20 threads, 19 of them waiting ten calls deep. For each number on stdin counts for so many ms of processor time, and prints `COUNT 0`.
import sys
import threading
import time

stop = threading.Event()


def wait(depth):
    if depth > 0:
        wait(depth - 1)
    else:
        stop.wait()


def count(ms):
    counted = 0
    end = time.thread_time() + ms / 1e3
    while time.thread_time() < end:
        counted += 1
    return counted


for _ in range(19):
    threading.Thread(target=wait, args=(10,), daemon=True).start()
print('ready', flush=True)
while True:
    line = sys.stdin.readline()
    if not line:
        break
    print(count(int(line)), 0, flush=True)
