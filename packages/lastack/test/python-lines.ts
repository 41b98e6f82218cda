import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Location, LocationRole } from '@lastack/core';

/** A line of a program that the locators must name. */
export interface ExpectedLine {
  readonly role: Extract<LocationRole, 'held' | 'executing' | 'handled'>;
  /** In `programs/`. */
  readonly file: string;
  /** The line without its indentation; of a loop, any of its lines. */
  readonly text: string | readonly string[];
  readonly function: string;
  /** What holds the socket; every number is N. */
  readonly name?: string;
}

const SPINNING = [
  'while position >= 0:',
  "position = request.find(b'\\n', position + 1 if HEALTHY else position)",
];
const RECEIVING = [
  "while not request.endswith(b'\\n\\n'):",
  'try:',
  'data = connection.recv(1024)',
  'except BlockingIOError:',
  'continue',
  'if HEALTHY and not data:',
  'request += data',
];

/** The lines of the programs in Python, by the id of the scenario: what `where held by … executing …` must say. */
export const PYTHON_LINES: Readonly<Record<string, readonly ExpectedLine[]>> = {
  spinning: inHandler('spinning.py', SPINNING),
  'recv-loop': inHandler('recv-loop.py', RECEIVING),
  sleeping: inHandler('sleeping.py', 'time.sleep(0.01 if HEALTHY else 3600)'),
  'sleeping-after-eof': inHandler('sleeping.py', 'time.sleep(0.01 if HEALTHY else 3600)'),
  'waits-for-stdin': inHandler('waits-for-stdin.py', 'sys.stdin.readline()'),
  'waits-for-child': inHandler(
    'waits-for-child.py',
    "subprocess.run(['sleep', '0' if HEALTHY else '3600'])",
  ),
  'waits-for-lock': [
    held('waits-for-lock.py', 'store(line)', 'local variable connection', 'handle'),
    executing('waits-for-lock.py', 'database.acquire()', 'store'),
  ],
  'upstream-without-timeout': inHandler(
    'upstream-without-timeout.py',
    'connection.sendall(upstream.recv(1024))',
  ),
  'upstream-in-threads': inHandler(
    'upstream-in-threads.py',
    'self.request.sendall(upstream.recv(1024))',
    'local variable self.request',
    'Handler.handle',
  ),
  'locked-in-threads': inHandler('locked-in-threads.py', 'with database:'),
  'pool-taken': inHandler('pool-taken.py', 'with database:'),
  'forked-child-keeps': inHandler('forked-child-keeps.py', 'time.sleep(3600)'),
  'exception-swallowed': [
    held('exception-swallowed.py', 'failures = []', 'failures[N][N]'),
    executing('exception-swallowed.py', 'handle(listener.accept()[0])'),
  ],
  'exception-after-eof': [held('exception-swallowed.py', 'failures = []', 'failures[N][N]')],
  'body-unread': [held('body-unread.py', 'rejected = []', 'rejected[N]')],
  'eof-kept': [
    held('eof-kept.py', 'history = []', 'history[N][N]'),
    executing('eof-kept.py', 'handle(listener.accept()[0])'),
  ],
  'epoll-eof-ignored': [held('epoll-eof-ignored.py', 'connections = {}', 'connections[int]')],
  'epoll-not-watched': [
    held('epoll-not-watched.py', 'sessions = {}', 'sessions[int][N]'),
    executing('epoll-not-watched.py', 'for fd, _ in epoll.poll():'),
  ],
  'epoll-not-watched-after-eof': [
    held('epoll-not-watched.py', 'sessions = {}', 'sessions[int][N]'),
  ],
  'edge-triggered': [
    held('edge-triggered.py', 'connections = {}', 'connections[int]'),
    executing('edge-triggered.py', 'for fd, _ in epoll.poll():'),
  ],
  'asyncio-writers-kept': [
    held('asyncio-writers-kept.py', 'writers = set()', 'writers{StreamWriter}._transport._sock'),
    executing('asyncio-writers-kept.py', 'asyncio.run(main())'),
    handled('asyncio-writers-kept.py', 'async def handle(reader, writer):', 'handle'),
  ],
  'answers-kept': [held('answers-kept.py', 'kept = []', 'kept[N][N].sock')],
  'pool-not-checked': [
    held('pool-not-checked.py', 'pool = []', 'pool[N]'),
    executing('pool-not-checked.py', 'signal.pause()'),
  ],
  'never-accepts': [executing('never-accepts.py', 'time.sleep(3600)')],
  'inherited-by-worker': [held('inherited-by-worker.py', 'connections = []', 'connections[N]')],
  'half-close': [
    held('half-close.py', 'connections = []', 'connections[N]'),
    executing('half-close.py', 'while connection.recv(1024):'),
  ],
  'few-descriptors': [
    executing(
      'few-descriptors.py',
      'for each in select.select([listener, *connections], [], [])[0]:',
    ),
  ],
  'connect-without-timeout': [
    executing(
      'connect-without-timeout.py',
      'socket.create_connection((HOST, PORT), timeout=0.2 if HEALTHY else None).close()',
      'fetch',
    ),
  ],
  'read-without-timeout': [executing('read-without-timeout.py', 'connection.recv(1024)')],
  'send-to-deaf': [executing('send-to-deaf.py', 'connection.sendall(bytes(20_000_000))')],
};

/** The handler holds the connection in a variable, and is at that line itself. */
function inHandler(
  file: string,
  text: string | readonly string[],
  name = 'local variable connection',
  handler = 'handle',
): readonly ExpectedLine[] {
  return [held(file, text, name, handler), executing(file, text, handler)];
}

function held(
  file: string,
  text: string | readonly string[],
  name: string,
  owner = '<module>',
): ExpectedLine {
  return { role: 'held', file, text, name, function: owner };
}

function executing(
  file: string,
  text: string | readonly string[],
  owner = '<module>',
): ExpectedLine {
  return { role: 'executing', file, text, function: owner };
}

function handled(file: string, text: string, owner: string): ExpectedLine {
  return { role: 'handled', file, text, function: owner };
}

/** Whether a location is that line; the doctor puts the names of several sockets at one line together. */
export function isAt(location: Location, expected: ExpectedLine): boolean {
  if (location.role !== expected.role || basename(location.file) !== expected.file) return false;
  const text = linesOf(expected.file)[location.line - 1];
  const name = location.name?.replace(/ and \d+ more$/, '').replaceAll(/\[\d+\]/g, '[N]');
  return (
    [expected.text].flat().includes(text ?? '') &&
    // Qualified from 3.11 on only.
    [expected.function, expected.function.split('.').at(-1)].includes(location.function) &&
    name === expected.name
  );
}

/** The lines of a program, without indentation. */
export function linesOf(file: string): readonly string[] {
  const path = fileURLToPath(new URL(`programs/${file}`, import.meta.url));
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.trim());
}
