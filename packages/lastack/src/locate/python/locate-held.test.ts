import { describe, expect, test } from 'vitest';
import { until } from '../../../test/kit/condition.ts';
import { locatePython } from './locate-python.ts';
import { INTERPRETERS, VERSIONS } from './testing/interpreters.ts';
import { runPython } from './testing/python-program.ts';
import { locateHolders, untilHeld } from '../../../test/kit/until-held.ts';

const CONTAINERS = `
import collections, socket, time

def pair():
    return socket.socketpair()[0].dup()

connections = [None, pair()]  # list
by_number = {7: pair()}  # int keys
by_name = {'hunter2': pair()}  # str keys
by_pair = {('hunter2', 1): pair()}  # tuple keys
members = {pair()}  # set
queue = collections.deque([None] * 100)  # deque
queue.append(pair())
keys = {}  # keys
keys[pair()] = 'hunter2'

class Pool:  # class
    shared = []

    def __init__(self):
        self.secret = 'hunter2'
        self.idle = [pair()]

class Slots:
    __slots__ = ('other', 'connection')

class Settings(dict):
    pass

Pool.shared.append(pair())
pool = Pool()  # instance
slots = Slots()  # slots
slots.connection = pair()
settings = Settings()  # dict subclass
settings['hunter2'] = pair()

def closure():
    kept = pair()
    return lambda: kept

callback = closure()  # closure

def fds():
    return [
        connections[1], by_number[7], by_name['hunter2'], by_pair['hunter2', 1], *members,
        queue[100], *keys, Pool.shared[0], pool.idle[0], slots.connection, settings['hunter2'],
        callback(),
    ]

print('ready', *(each.fileno() for each in fds()), flush=True)
time.sleep(3600)
`;

const IN_CONTAINERS = [
  'connections[1] in <module>: list',
  'by_number[int] in <module>: int keys',
  'by_name[str] in <module>: str keys',
  'by_pair[tuple] in <module>: tuple keys',
  'members{socket} in <module>: set',
  'queue[100] in <module>: deque',
  'keys{socket} in <module>: keys',
  'Pool.shared[0] in <module>: class',
  'pool.idle[0] in <module>: instance',
  'slots.connection in <module>: slots',
  'settings[str] in <module>: dict subclass',
];

const LOCALS = `
import socket, threading, time

class Handler:
    def __init__(self, request):
        self.request = request

    def handle(self):
        time.sleep(3600)  # sleeping

def serve(connection):
    secret = {'hunter2': 'hunter2'}
    later = lambda: connection
    time.sleep(3600)  # cell

def numbers(inner):
    yield 1  # generator
    inner.close()

def work(kept):
    suspended = numbers(kept)
    next(suspended)
    del kept
    time.sleep(3600)  # working

pairs = [socket.socketpair() for _ in range(3)]
print('ready', *(a.fileno() for a, _ in pairs), flush=True)
others = [b for _, b in pairs]
for target in (lambda a: Handler(a).handle(), serve, work):
    threading.Thread(target=target, args=pairs.pop(0)[:1]).start()
`;

const TRACEBACKS = `
import socket, time

errors = []  # errors

def handle(connection):
    raise ValueError()

pair = socket.socketpair()
print('ready', pair[0].fileno(), flush=True)
try:
    handle(pair[0].dup() if False else pair[0])
except ValueError as error:
    errors.append(error)
del pair
time.sleep(3600)
`;

const IMPORTED = `
import registry, time

print('ready', registry.fd, flush=True)
time.sleep(3600)
`;

const REGISTRY = `"""
connections = 'not here'
"""
import socket

connections: dict = {}
connections[1] = socket.socketpair()[0]
fd = connections[1].fileno()
`;

describe.each(INTERPRETERS.filter(({ version }) => VERSIONS.includes(version)))(
  'CPython $title',
  ({ path }) => {
    test('a container of a module is named, and the keys of a dict are not shown', async () => {
      await using program = await runPython(path, CONTAINERS);
      const marks = [...CONTAINERS.matchAll(/# (.*)$/gm)].map(([, mark]) => mark);
      const held = await untilHeld(program, IN_CONTAINERS, marks);
      expect(held.some((line) => /^callback.*<module>: closure$/.test(line))).toBe(true);
      const { pid, words } = program;
      const all = JSON.stringify(await locatePython({ pid, fds: words }));
      expect(all).not.toContain('hunter2');
    });

    test('a local variable is named, with the line that its call is at', async () => {
      await using program = await runPython(path, LOCALS);
      const held = await untilHeld(
        program,
        ['local variable connection in serve: cell', 'local variable inner in numbers: generator'],
        ['sleeping', 'cell', 'generator', 'working'],
      );
      expect(held.join('\n')).toMatch(
        /local variable self\.request in (Handler\.)?handle: sleeping/,
      );
    });

    test('what variables hold is not read, only their names', async () => {
      await using program = await runPython(path, LOCALS);
      await untilHeld(program, ['local variable connection in serve: cell'], ['cell']);
      const all = JSON.stringify(await locatePython({ pid: program.pid, fds: program.words }));
      expect(all).toContain('local variable connection');
      expect(all).not.toContain('hunter2');
    });

    test('a thread is told by the descriptor that it holds', async () => {
      await using program = await runPython(path, LOCALS);
      const [fd] = program.words;
      const sleeping = program.line('sleeping');
      await until(async () => {
        const executing = (await locateHolders(program, [fd])).filter(
          ({ role }) => role === 'executing',
        );
        return executing.length === 1 && executing[0].line === sleeping && executing[0].fd === fd;
      }, 'the thread of the handler alone');
      const found = await locateHolders(program, [fd]);
      expect(found.filter(({ role }) => role === 'executing')).toHaveLength(1);
    });

    test('a traceback that keeps a call keeps its variables', async () => {
      await using program = await runPython(path, TRACEBACKS);
      const held = await untilHeld(
        program,
        ['errors[0]…connection in <module>: errors'],
        ['errors'],
      );
      expect(held).toHaveLength(1);
    });

    test('an imported module is where its variable is bound', async () => {
      await using program = await runPython(path, IMPORTED, {
        modules: { 'registry.py': REGISTRY },
      });
      const held = (await locateHolders(program, program.words)).find(
        ({ role }) => role === 'held',
      );
      expect(held).toMatchObject({ name: 'connections[int]', line: 6, function: '<module>' });
      expect(held?.file).toMatch(/\/registry\.py$/);
      expect(held?.evidence).toContain('variable of module registry');
    });
  },
);
