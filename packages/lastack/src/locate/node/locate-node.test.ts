import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { until } from '../../../test/kit/condition.ts';
import type { Located, SocketLocation } from '../locator.ts';
import { readListeners, readSocketInodes } from './listeners.ts';
import { locateNode } from './locate-node.ts';
import {
  listensOn,
  NODES,
  startNode,
  type NodeProgram,
  type NodeProgramOptions,
} from './testing/node-program.ts';

const SECRET = 'hunter2-correct-horse';

const LISTEN = `server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

/** Asks for all of its sockets; whatever happens, the program must live on with its inspector closed. */
async function locateAll(program: NodeProgram): Promise<Located> {
  const located = await locateNode({ pid: program.pid, fds: program.socketFds() });
  expect(program.isAlive()).toBe(true);
  expect(listensOn(program.pid, program.inspectorPort)).toBe(false);
  if (located.kind !== 'ok') throw new Error(located.reason);
  expect(JSON.stringify(located)).not.toContain(SECRET);
  return located.value;
}

function of(
  { locations }: Located,
  role: SocketLocation['role'],
  { file }: NodeProgram,
): readonly (readonly [line: number, what: string])[] {
  return locations
    .filter((location) => location.role === role && location.file === file)
    .map(({ line, name, function: owner }) => [line, name ?? owner] as const);
}

async function startConnected(
  source: string,
  options: NodeProgramOptions,
  connections = 1,
): Promise<NodeProgram> {
  const program = await startNode(source, options);
  const before = program.socketFds().length;
  for (let i = 0; i < connections; i++) {
    const socket = await program.connect();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  }
  await until(() => program.socketFds().length === before + connections, 'the connections');
  return program;
}

describe.each(NODES)('locateNode() with %s', (node) => {
  test('names the listener and the Map of a net server', async () => {
    await using program = await startConnected(
      `import { createServer } from 'node:net';
const secret = '${SECRET}';
const connections = new Map();
const server = createServer((socket) => { // connected
  connections.set(secret + connections.size, { sock: socket });
  socket.on('data', onData);
});
function onData(chunk) { void [chunk, secret]; }
${LISTEN}`,
      { node },
      2,
    );
    const located = await locateAll(program);
    const handled = of(located, 'handled', program);
    expect(handled).toContainEqual([program.lineOf('function onData'), 'onData']);
    expect(handled).toContainEqual([program.lineOf('// connected'), '(anonymous)']);
    const held = of(located, 'held', program);
    const line = program.lineOf('const connections');
    expect(held.filter(([, name]) => name === 'connections.get(…).sock')).toEqual([
      [line, 'connections.get(…).sock'],
      [line, 'connections.get(…).sock'],
    ]);
    // A busy machine takes long to list the scripts.
    expect(located.notes.filter((note) => !note.includes('was paused'))).toEqual([
      `process ${program.pid} has written lines about its debugger to stderr, because of --attach`,
    ]);
  });

  test('names arrays, objects of classes and dictionaries of a CommonJS module', async () => {
    await using program = await startConnected(
      `const { createServer } = require('node:net');
const secret = '${SECRET}';
const pool = { idle: [], byKey: {} };
class Connection { constructor(socket) { this.stream = socket; } }
const server = createServer((socket) => {
  pool.idle.push(new Connection(socket));
  pool.byKey[secret] = socket;
  socket.on('end', function atEnd() {});
});
${LISTEN}`,
      { node, name: 'program.cjs' },
    );
    const located = await locateAll(program);
    expect(of(located, 'handled', program)).toContainEqual([program.lineOf('atEnd'), 'atEnd']);
    const line = program.lineOf('const pool');
    const held = of(located, 'held', program);
    expect(held).toContainEqual([line, 'pool.idle[0].stream']);
    expect(held).toContainEqual([line, 'pool.byKey[…]']);
  });

  test('names the keep-alive agent that holds a connection', async () => {
    await using upstream = await startNode(
      `import { createServer } from 'node:http';
const server = createServer((request, response) => response.end('x'));
${LISTEN}`,
      { node },
    );
    await using program = await startNode(
      `const http = require('node:http');
const agent = new http.Agent({ keepAlive: true });
function ask(then) {
  http.get({ agent, host: '127.0.0.1', port: ${upstream.words[0]} }, (response) => {
    response.resume().on('end', then);
  });
}
ask(() => setTimeout(() => console.log('asked'), 20));
process.stdin.on('data', () => ask(() => {}));`,
      { node, name: 'program.cjs' },
    );
    const held = of(await locateAll(program), 'held', program);
    expect(held).toContainEqual([program.lineOf('const agent'), 'agent.freeSockets[…][0]']);
  });

  test('names the handler and the Set of an HTTPS server', async () => {
    await using program = await startNode(
      `import { createServer, request } from 'node:https';
const waiting = new Set();
// Ciphers without a certificate spare the test one.
const tls = { ciphers: 'aNULL:@SECLEVEL=0', maxVersion: 'TLSv1.2', rejectUnauthorized: false };
const server = createServer(tls, (request, response) => { // asked
  waiting.add(response);
  console.log('asked');
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  request({ ...tls, port, host: '127.0.0.1', checkServerIdentity: () => undefined }).end();
});`,
      { node },
    );
    expect(program.words).toEqual(['asked']);
    const located = await locateAll(program);
    expect(of(located, 'handled', program)).toContainEqual([
      program.lineOf('// asked'),
      '(anonymous)',
    ]);
    expect(of(located, 'held', program)).toContainEqual([
      program.lineOf('const waiting'),
      'waiting.values(…).req.socket',
    ]);
  });

  test('names what holds an answer of fetch() that is not read', async () => {
    await using upstream = await startNode(
      `import { createServer } from 'node:http';
const server = createServer((request, response) => response.write('x'.repeat(100)));
${LISTEN}`,
      { node },
    );
    await using program = await startNode(
      `const answers = new Map([['${SECRET}', await fetch('http://127.0.0.1:${upstream.words[0]}/')]]);
const bodies = [(await fetch('http://127.0.0.1:${upstream.words[0]}/')).body.getReader()];
console.log('asked');
process.stdin.on('data', () => [answers, bodies]);`,
      { node },
    );
    const held = of(await locateAll(program), 'held', program);
    expect(held).toContainEqual([program.lineOf('const answers'), 'answers.get(…)']);
    expect(held).toContainEqual([program.lineOf('const bodies'), 'bodies[0]']);
  });

  test("tells that a connection is in Node's pool, once for all that are", async () => {
    await using upstream = await startNode(
      `import { createServer } from 'node:http';
const server = createServer((request, response) => response.end('x'));
${LISTEN}`,
      { node },
    );
    await using program = await startNode(
      `const urls = Array(2).fill('http://127.0.0.1:${upstream.words[0]}/');
await Promise.all(urls.map(async (url) => (await fetch(url)).text()));
console.log('asked');
process.stdin.on('data', () => {});`,
      { node },
    );
    const { notes } = await locateAll(program);
    expect(notes).toContainEqual(
      expect.stringMatching(
        /^descriptors \d+, \d+: idle in the connection pool of fetch\(\) and undici; .*lastack run -- /,
      ),
    );
  });

  test('names the collection of sockets that are paused and have no listeners', async () => {
    await using program = await startConnected(
      `import { createServer } from 'node:net';
const waiting = [];
const server = createServer({ pauseOnConnect: true }, (socket) => waiting.push(socket));
${LISTEN}`,
      { node },
    );
    const located = await locateAll(program);
    expect(of(located, 'held', program)).toContainEqual([
      program.lineOf('const waiting'),
      'waiting[0]',
    ]);
  });

  test('names the line of a busy loop, and lets it go on', async () => {
    await using program = await startConnected(
      `import { createServer } from 'node:net';
const server = createServer((socket) => socket.on('data', spin));
function spin() {
  for (let i = 0; ; i++) if (i < 0) break; // loops
}
${LISTEN}`,
      { node },
    );
    const located = await locateAll(program);
    expect(of(located, 'executing', program)).toEqual([[program.lineOf('// loops'), 'spin']]);
    expect(of(located, 'handled', program)).toContainEqual([
      program.lineOf('function spin'),
      'spin',
    ]);
  });

  test('names lines of TypeScript through an inline source map', async () => {
    const source = `const { createServer } = require('node:net');
const server = createServer((socket) => socket.on('data', onData));
function onData() {}
${LISTEN}`;
    // Every line comes from five lines further down in server.ts.
    const map = {
      version: 3,
      sources: ['server.ts'],
      names: [],
      mappings: 'AAKA;AACA;AACA;AACA',
    };
    const inline = Buffer.from(JSON.stringify(map)).toString('base64');
    await using program = await startConnected(
      `${source}\n//# sourceMappingURL=data:application/json;base64,${inline}`,
      { node, name: 'server.js' },
    );
    const { locations } = await locateAll(program);
    expect(locations).toContainEqual(
      expect.objectContaining({
        role: 'handled',
        file: program.file.replace(/js$/, 'ts'),
        line: program.lineOf('function onData') + 5,
        function: 'onData',
      }),
    );
  });

  test.each(['cjs', 'mjs'])(
    'takes no variable beside a listener for a holder (%s)',
    async (type) => {
      const load =
        type === 'cjs'
          ? `const { createServer } = require('node:net');`
          : `import { createServer } from 'node:net';`;
      await using program = await startConnected(
        `${load}
createServer((socket) => {
  const state = { socket, bytes: 0 };
  socket.on('data', (chunk) => { state.bytes += chunk.length; });
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });`,
        { node, name: `program.${type}` },
      );
      const located = await locateAll(program);
      expect(of(located, 'handled', program)).toContainEqual([
        program.lineOf("socket.on('data'"),
        '(anonymous)',
      ]);
      expect(of(located, 'held', program)).toEqual([]);
    },
  );

  test('runs no code of the program', async () => {
    await using program = await startConnected(
      `import { createServer } from 'node:net';
let touched = 0;
const touch = () => { touched++; };
const trap = new Proxy({}, { get: touch, ownKeys: touch, getOwnPropertyDescriptor: touch, getPrototypeOf: touch, has: touch });
const kept = { trap, get lazy() { touch(); return null; }, sockets: [] };
class Odd extends Map { entries() { touch(); return super.entries(); } forEach() { touch(); } get size() { touch(); return 0; } [Symbol.iterator]() { touch(); return super.entries(); } }
kept.odd = new Odd();
const server = createServer((socket) => {
  kept.sockets.push(socket);
  Map.prototype.set.call(kept.odd, 'k', socket);
  Object.defineProperty(socket, 'lazy', { get: touch, enumerable: true });
});
process.stdin.on('data', () => console.log(touched, kept.trap === trap, Object.getOwnPropertyNames(globalThis).length));
${LISTEN}`,
      { node },
    );
    const before = await program.ask('?');
    const held = of(await locateAll(program), 'held', program);
    expect(held).toContainEqual([program.lineOf('const kept'), 'kept.sockets[0]']);
    expect(await program.ask('?')).toBe(before);
    expect(before).toMatch(/^0 true /);
  });

  test('does not stop a program at its debugger statements', async () => {
    await using program = await startConnected(
      `import { createServer } from 'node:net';
let ticks = 0;
setInterval(() => { debugger; ticks++; }, 1);
const server = createServer((socket) => socket.on('data', onData));
function onData() { void ticks; }
process.stdin.on('data', () => console.log(ticks));
${LISTEN}`,
      { node },
    );
    const located = await locateAll(program);
    expect(of(located, 'handled', program)).toContainEqual([
      program.lineOf('function onData'),
      'onData',
    ]);
    const ticks = Number(await program.ask('?'));
    await until(async () => Number(await program.ask('?')) > ticks, 'more ticks');
  });

  test('does not show the source of a module that came as a data: URL', async () => {
    const module = `import { createServer } from 'node:net'; const secret = '${SECRET}'; export const kept = [secret]; export const server = createServer((socket) => { kept.push(socket); socket.on('data', () => kept); });`;
    await using program = await startConnected(
      `const { server } = await import(${JSON.stringify(`data:text/javascript,${encodeURIComponent(module)}`)});
${LISTEN}`,
      { node },
    );
    const { locations } = await locateAll(program);
    const inModule = locations.filter(({ file }) => file === 'data:…');
    expect(inModule.map(({ role }) => role)).toContain('held');
    expect(JSON.stringify(locations)).not.toContain('createServer');
  });

  test('finds sockets of worker threads', async () => {
    await using program = await startConnected(
      `import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { createServer } from 'node:net';
if (isMainThread) {
  new Worker(new URL(import.meta.url)).on('message', (port) => console.log(port));
} else {
  const server = createServer((socket) => socket.on('data', onData));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
}
function onData() {}`,
      { node },
    );
    const located = await locateAll(program);
    expect(of(located, 'handled', program)).toContainEqual([
      program.lineOf('function onData'),
      'onData',
    ]);
  });

  test('uses an inspector that is open, and leaves it open', async () => {
    const options = { node, options: ['--inspect'] };
    await using program = await startConnected(
      `import { createServer } from 'node:net';
const server = createServer((socket) => socket.on('data', onData));
function onData() {}
${LISTEN}`,
      options,
    );
    const located = await locateNode({ pid: program.pid, fds: program.socketFds() });
    expect(located.kind).toBe('ok');
    expect(listensOn(program.pid, program.inspectorPort)).toBe(true);
  });

  test('names the line of a busy loop in a worker thread, and none of one that waits', async () => {
    await using program = await startConnected(
      `import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { createServer } from 'node:net';
if (isMainThread) {
  new Worker(new URL(import.meta.url)).on('message', (port) => console.log(port));
  new Worker('setInterval(() => {}, 1000)', { eval: true });
} else {
  const server = createServer((socket) => socket.on('data', spin));
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
}
function spin() {
  for (let i = 0; ; i++) if (i < 0) break; // loops
}`,
      { node },
    );
    const located = await locateAll(program);
    expect(of(located, 'executing', program)).toEqual([[program.lineOf('// loops'), 'spin']]);
    expect(JSON.stringify(located)).toContain('stack of a worker thread of process');
  });

  test.each([
    ['on a port that the system chose', ['--inspect=0'], ''],
    ['by its own call', [], 'open();'],
    ['and does not say so', ['--inspect=0'], "process.title = 'server'.padEnd(2000);"],
  ])('uses an inspector that is open %s, and leaves it open', async (_, options, statement) => {
    await using program = await startConnected(
      `import { createServer } from 'node:net';
import { open } from 'node:inspector';
const server = createServer((socket) => socket.on('data', onData));
function onData() {}
${statement}
${LISTEN}`,
      { node, options },
    );
    const inodes = (): readonly number[] => {
      const listeners = readListeners(program.pid);
      const own = readSocketInodes(program.pid);
      return listeners.kind === 'ok'
        ? [...listeners.value.keys()].filter((inode) => own.has(inode))
        : [];
    };
    const before = inodes();
    const located = await locateNode({ pid: program.pid, fds: program.socketFds() });
    expect(located).toMatchObject({ kind: 'ok' });
    expect(before).toHaveLength(2);
    expect(inodes()).toEqual(before);
  });

  test('can be asked again and again', async () => {
    await using program = await startConnected(
      `import { createServer } from 'node:net';
const server = createServer((socket) => socket.on('data', onData));
function onData() {}
${LISTEN}`,
      { node },
    );
    for (let i = 0; i < 5; i++) {
      const located = await locateAll(program);
      expect(of(located, 'handled', program)).toContainEqual([
        program.lineOf('function onData'),
        'onData',
      ]);
    }
  });

  test('says that a program ended, or tells what it has by then', async () => {
    await using program = await startConnected(
      `import { createServer } from 'node:net';
const server = createServer((socket) => socket.on('data', () => {}));
${LISTEN}`,
      { node },
    );
    const [fd] = program.socketFds();
    const locating = locateNode({ pid: program.pid, fds: [fd] });
    process.kill(program.pid, 'SIGKILL');
    const located = await locating;
    expect(located.kind).toBe('unavailable');
  });
});

test('leaves an inspector port that somebody else has alone', async () => {
  await using program = await startNode(`setInterval(() => {}, 1000); console.log('ready')`);
  const other = createServer().listen(program.inspectorPort, '127.0.0.1');
  await once(other, 'listening');
  const located = await locateNode({ pid: program.pid, fds: [] });
  other.close();
  expect(located).toMatchObject({
    kind: 'unavailable',
    reason: expect.stringContaining('is taken by another program'),
  });
});
