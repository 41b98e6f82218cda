import { describe, expect, test } from 'vitest';
import { INTERPRETERS, VERSIONS } from './testing/interpreters.ts';
import { runPython } from './testing/python-program.ts';
import { untilHeld } from '../../../test/kit/until-held.ts';

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

describe.each(INTERPRETERS.filter(({ version }) => VERSIONS.includes(version)))(
  'CPython $title',
  ({ path }) => {
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
  },
);
