import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openProject, type Project } from './package/project.ts';

const README = fileURLToPath(new URL('../README.md', import.meta.url));
const text = readFileSync(README, 'utf8');

/** The code of each section, by its heading: `ts` is a program, `sh` a command. */
const EXAMPLES = new Map(
  text.split(/^## /m).map((section) => {
    const blocks = [...section.matchAll(/^```(ts|sh)\n([^]*?)^```$/gm)];
    return [
      section.slice(0, section.indexOf('\n')),
      blocks.map(([, language, code]) => ({ language, code: code ?? '' })),
    ];
  }),
);
const used = new Set<string>();

let project: Project;

beforeAll(async () => {
  project = await openProject();
  await project.link('@lastack/net', 'axios', 'undici', 'vitest');
});

afterAll(async () => project[Symbol.asyncDispose]());

/** The only code of its language in a section, with what is of the example's world replaced by what is here. */
function exampleOf(
  heading: string,
  language: 'ts' | 'sh',
  replacements: Readonly<Record<string, string>> = {},
): string {
  const blocks = EXAMPLES.get(heading)?.filter((block) => block.language === language) ?? [];
  expect(blocks).toHaveLength(1);
  used.add(`${heading}: ${language}`);
  let code = blocks[0]?.code ?? '';
  for (const [from, to] of Object.entries(replacements)) {
    expect(code).toContain(from);
    code = code.replace(from, to);
  }
  return code;
}

/** The example as a program that Node 20 understands, which has no `await using`. */
async function programOf(code: string): Promise<string> {
  await project.write('example.ts', code);
  const bundle = await rolldown({
    input: join(project.folder, 'example.ts'),
    platform: 'node',
    external: ['axios', 'undici', /^(@lastack|node:)/],
    transform: { target: 'es2022' },
  });
  const file = join(project.folder, 'example.mjs');
  await bundle.write({ file, format: 'es' });
  return file;
}

async function listenOn(server: Server): Promise<number> {
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Starts an example that listens, and tells its port. */
async function startServer(code: string): Promise<{
  child: ChildProcess;
  port: number;
  printed: () => string;
  ended: Promise<unknown[]>;
}> {
  const child = fork(await programOf(code), {
    execArgv: [],
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'close');
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const [port] = (await once(child, 'message')) as [number];
  return { child, port, printed: () => output, ended };
}

/** For a machine that is busy with other tests. */
const PATIENT = 'deadline: 30_000, idle: 30_000';

const TELLS_PORT = `listen(0, '127.0.0.1', () => process.send(server.address().port))`;

describe('the examples of the readme', () => {
  it('open a connection, and close it', async () => {
    const redis = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write('+PONG\r\n'));
    });
    const port = await listenOn(redis);
    const code = exampleOf('A connection that is always closed', 'ts', {
      "'redis.internal'": "'127.0.0.1'",
      '6379': String(port),
      'deadline: 2_000': PATIENT,
    });
    expect(await project.run(process.execPath, await programOf(code))).toBe(
      '+PONG\r\n\ngraceful true 0\n',
    );
  });

  it('close a socket that another opened, and its peer reads the answer', async () => {
    const code = exampleOf('Sockets that others opened', 'ts', {
      'listen(2525)': TELLS_PORT,
      'deadline: 2_000, idle: 500': PATIENT,
    });
    const server = await startServer(code);
    const client = net.connect({ port: server.port, host: '127.0.0.1' });
    client.write('x'.repeat(100_000));
    let answer = '';
    client.setEncoding('utf8').on('data', (chunk: string) => {
      answer += chunk;
    });
    await once(client, 'close');
    expect(answer).toBe('421 too many connections\r\n');
    await expect.poll(server.printed, { timeout: 20_000 }).toBe('graceful 100000\n');
  });

  describe('limit exchanges of HTTP', () => {
    const heading = 'Limits for HTTP';
    const url = "'https://api.example.org/orders'";

    it('and give the answer', async () => {
      const api = http.createServer((_, response) => response.end('{"orders":3}'));
      const code = exampleOf(heading, 'ts', {
        [url]: `'http://127.0.0.1:${await listenOn(api)}/orders'`,
      });
      const output = await project.run(process.execPath, await programOf(code));
      expect(output).toBe('{ orders: 3 }\n'.repeat(3));
    });

    it.each([
      ['request()', /await (request|response)/],
      ['axios', /await axios/],
      ['fetch', /await fetch/],
    ])('and end what drips: %s', async (_, call) => {
      const api = http.createServer((__, response) => {
        const drip = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(drip));
      });
      const code = exampleOf(heading, 'ts', {
        [url]: `'http://127.0.0.1:${await listenOn(api)}/orders'`,
        'total: 30_000': 'total: 300',
      });
      const lines = code.split('\n').filter((line) => !/await/.test(line) || call.test(line));
      const program = await programOf(lines.join('\n'));
      await expect(project.run(process.execPath, program)).rejects.toThrow(/ERR_TOTAL_TIMEOUT/);
    });
  });

  it('stop a server', async () => {
    const code = exampleOf('A server that stops without dropping a request', 'ts', {
      'listen(8080)': TELLS_PORT,
    });
    const server = await startServer(code);
    expect(await get(server.port, '/')).toBe('200 hello\n');
    expect(await get(server.port, '/ready')).toBe('200 ready\n');
    server.child.kill('SIGTERM');
    expect(await server.ended).toEqual([0, null]);
    expect(server.printed()).toBe('graceful 0\n');
  });

  describe('fail a test that leaks', () => {
    const heading = 'Tests that fail when they leak';
    const leak = `import net from 'node:net';
      test('leaks', () => { net.createServer().listen(0); });`;
    const failure = /1 socket was left open by the test "leaks"/;

    afterEach(async () => project.write('vitest.config.mjs', 'export default {};'));

    it('of vitest', async () => {
      await project.write('setup.ts', exampleOf(heading, 'ts'));
      await project.write('leak.test.ts', `import { test } from 'vitest';\n${leak}`);
      const config = `export default { test: { setupFiles: ['./setup.ts'], include: ['leak.test.ts'] } };`;
      await project.write('vitest.config.mjs', config);
      const vitest = project.run(process.execPath, 'node_modules/vitest/vitest.mjs', 'run');
      await expect(vitest).rejects.toThrow(failure);
    });

    it('of node:test', async () => {
      const [, ...args] = exampleOf(heading, 'sh').trim().split(' ');
      await project.write('leak.test.mjs', `import { test } from 'node:test';\n${leak}`);
      const tests = project.run(process.execPath, ...args, 'leak.test.mjs');
      await expect(tests).rejects.toThrow(failure);
    });
  });

  it('are all run here', () => {
    const all = [...EXAMPLES].flatMap(([heading, blocks]) =>
      blocks.map(({ language }) => `${heading}: ${language}`),
    );
    expect([...used].toSorted()).toEqual(all.toSorted());
  });
});

it('links to files and headings that are there', () => {
  const missing = [...text.matchAll(/\]\(([^)#]+)(?:#([^)]+))?\)/g)].filter(
    ([, path = '', anchor]) => {
      const file = join(README, '..', path);
      if (!existsSync(file)) return true;
      const headings = readFileSync(file, 'utf8').toLowerCase();
      return anchor !== undefined && !new RegExp(`^#+ ${anchor}\\b`, 'm').test(headings);
    },
  );
  expect(missing.map(([link]) => link)).toEqual([]);
});

async function get(port: number, path: string): Promise<string> {
  const request = http.get({ host: '127.0.0.1', port, path, agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return `${response.statusCode} ${body}`;
}
