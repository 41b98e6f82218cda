import { describe, expect, test } from 'vitest';
import { until } from '../../../test/kit/condition.ts';
import type { SocketLocation } from '../locator.ts';
import { locatePython } from './locate-python.ts';
import { INTERPRETERS, VERSIONS } from './testing/interpreters.ts';
import { runPython, type PythonProgram } from './testing/python-program.ts';

async function locate({ pid }: PythonProgram, fds: readonly number[]): Promise<SocketLocation[]> {
  const located = await locatePython({ pid, fds });
  if (located.kind !== 'ok') throw new Error(`${located.reason}: ${located.remedy}`);
  return [...located.value.locations];
}

/** Who holds the descriptors of `ready …`, as `name function:mark`, once the program has come to a rest. */
async function untilHeld(
  program: PythonProgram,
  expected: readonly string[],
  marks: readonly string[],
): Promise<string[]> {
  let last: string[] = [];
  const markOf = (line: number) => marks.find((mark) => program.line(mark) === line) ?? `${line}`;
  await until(
    async () => {
      const locations = await locate(program, program.words);
      last = locations
        .filter(({ role, file }) => role === 'held' && file === program.file)
        .map((each) => `${each.name} in ${each.function}: ${markOf(each.line)}`);
      return expected.every((line) => last.includes(line));
    },
    () => `${expected.join(', ')}; there is ${last.join(', ')}`,
  );
  return last;
}

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

const ASYNCIO = `
import asyncio

writers = set()  # set
release = None

async def read_all(reader):
    while await reader.read(1024):
        pass

async def handle(reader, writer):
    await read_all(reader)
    await release.wait()  # awaiting

async def keep(reader, writer):
    writers.add(writer)

async def lines(writer):
    yield 1  # asynchronous generator
    writer.close()

async def iterate(reader, writer):
    generator = lines(writer)
    await generator.__anext__()
    del reader, writer
    await release.wait()

async def main():
    global release
    release = asyncio.Event()
    fds = []
    servers = []
    for serve in (handle, keep, iterate):
        def accept(reader, writer, serve=serve):
            fds.append(writer.get_extra_info('socket').fileno())
            return serve(reader, writer)
        servers.append(await asyncio.start_server(accept, '127.0.0.1', 0))
        port = servers[-1].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection('127.0.0.1', port)
        writer.write_eof()
        while len(fds) < len(servers):
            await asyncio.sleep(0.01)
    print('ready', *fds, flush=True)
    await release.wait()

asyncio.run(main())
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

const LIBRARIES = `
import asyncio, http.client, http.server, socket, threading, time, urllib.request

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', '1000000')
        self.end_headers()
        self.wfile.write(bytes(1000))
        time.sleep(3600)  # handler

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
port = server.server_address[1]

class Api:
    def __init__(self):
        self.connection = http.client.HTTPConnection('127.0.0.1', port)

class Echo(asyncio.Protocol):  # protocol
    def connection_made(self, transport):
        self.transport = transport
        fds.append(transport.get_extra_info('socket').fileno())

    def eof_received(self):
        return True

api = Api()  # client
api.connection.request('GET', '/')
response = urllib.request.urlopen('http://127.0.0.1:%d/' % port)  # response
files = [socket.create_connection(('127.0.0.1', port)).makefile('rb')]  # file
fds = [api.connection.sock.fileno(), response.fileno(), files[0].fileno()]

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, '127.0.0.1', 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write_eof()
    while len(fds) < 4:
        await asyncio.sleep(0.01)
    print('ready', *fds, flush=True)
    await server.serve_forever()

asyncio.run(main())
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
        const executing = (await locate(program, [fd])).filter(({ role }) => role === 'executing');
        return executing.length === 1 && executing[0].line === sleeping && executing[0].fd === fd;
      }, 'the thread of the handler alone');
      const found = await locate(program, [fd]);
      expect(found.filter(({ role }) => role === 'executing')).toHaveLength(1);
    });

    test('a suspended coroutine, or asynchronous generator, is where it awaits', async () => {
      await using program = await runPython(path, ASYNCIO);
      const held = await untilHeld(
        program,
        [
          'local variable writer._transport._sock in handle: awaiting',
          'writers{StreamWriter}._transport._sock in <module>: set',
          'local variable writer._transport._sock in lines: asynchronous generator',
        ],
        ['awaiting', 'set', 'asynchronous generator'],
      );
      expect(held.join('\n')).not.toContain('_selector');
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

    test('what libraries hold for the program leads to the line of the program', async () => {
      await using program = await runPython(path, LIBRARIES);
      const expected = [
        'api.connection.sock in <module>: client',
        'Echo().transport._sock in Echo: protocol',
      ];
      const held = await untilHeld(program, expected, ['client', 'response', 'file', 'protocol']);
      // The buffered reader between is of C, and its fields have no names until 3.11.
      expect(held.join('\n')).toMatch(/response\.fp(…|\.raw)\._sock in <module>: response/);
      expect(held.join('\n')).toMatch(/files\[0\](…|\.raw)\._sock in <module>: file/);
    });

    test('an imported module is where its variable is bound', async () => {
      await using program = await runPython(path, IMPORTED, {
        modules: { 'registry.py': REGISTRY },
      });
      const held = (await locate(program, program.words)).find(({ role }) => role === 'held');
      expect(held).toMatchObject({ name: 'connections[int]', line: 6, function: '<module>' });
      expect(held?.file).toMatch(/\/registry\.py$/);
      expect(held?.evidence).toContain('variable of module registry');
    });
  },
);
