# Fault: only the status of each answer is looked at, and the answers are kept.
# Arguments: UPSTREAM_PORT
import sys
import time
import urllib.request

checks = []  # held here


def check(path):
    answer = urllib.request.urlopen(f'http://127.0.0.1:{sys.argv[1]}{path}')
    checks.append((path, answer.status, answer))


for path in ('/a', '/b', '/c'):
    check(path)
print('ready', flush=True)
while True:
    time.sleep(3600)  # executing here
