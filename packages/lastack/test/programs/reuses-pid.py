# Runs lastack while a program that leaks ends, and another one that leaks gets its process number. Prints what lastack says.
# Runs as the first process of a pid namespace of its own.
# Arguments: the command line of lastack; PID in it is the number
import json
import os
import subprocess
import sys
import time

LEAK = '''
import socket, sys, time
kept = []
with socket.create_server(('127.0.0.1', 0)) as server:
    for _ in range(4):
        with socket.create_connection(server.getsockname()) as client:
            kept.append(server.accept()[0])
print('ready', flush=True)
'''
SLEEPS = LEAK + 'time.sleep(3600)\n'
SPINS = LEAK + '\nwhile True: pass\n'
LAST_PID = '/proc/sys/kernel/ns_last_pid'


def start(source):
    program = subprocess.Popen([sys.executable, '-c', source], stdout=subprocess.PIPE)
    program.stdout.readline()
    return program


def end(program):
    program.kill()
    program.wait()


def is_watching(pid):
    """Whether it has nothing to do for a while: it has looked once."""
    for _ in range(20):
        with open(f'/proc/{pid}/wchan') as wchan:
            if 'poll' not in wchan.read():
                return False
        time.sleep(0.02)
    return True


def start_as(pid, source):
    while True:
        with open(LAST_PID, 'w') as last:
            last.write(str(pid - 1))
        program = start(source)
        if program.pid == pid:
            return program
        end(program)


first = start(SLEEPS)
command = [arg.replace('PID', str(first.pid)) for arg in sys.argv[1:]]
lastack = subprocess.Popen(command, stdout=subprocess.PIPE)
while not is_watching(lastack.pid):
    pass
end(first)
second = start_as(first.pid, SPINS)
report = lastack.communicate()[0]
print(json.dumps({'pid': second.pid, 'report': json.loads(report)}))
end(second)
