import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CloseReport } from '../src/index.ts';
import {
  installPackage,
  type PackedPackage,
  packPackage,
  TSC,
} from './package/installed-package.ts';
import type { Project } from './package/project.ts';

/** The running Node, and others to test with: LASTACK_TEST_NODES, paths separated by colons. */
const NODES = [
  process.execPath,
  ...(process.env['LASTACK_TEST_NODES'] ?? '').split(':').filter(Boolean),
].map((node) => ({
  node,
  version: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
}));

const IMPORTS = {
  'program.mjs': `import { connect, listen } from '@lastack/net';`,
  'program.cjs': `const { connect, listen } = require('@lastack/net');`,
};

const EXCHANGE = `
async function main() {
  const listener = await listen({ host: '127.0.0.1' }, async (socket) => {
    for await (const chunk of socket) await socket.write(chunk);
  });
  const socket = await connect({ host: '127.0.0.1', port: listener.port });
  await socket.write('hello');
  const text = Buffer.from(await socket.read()).toString();
  const report = await socket.close();
  await listener.close();
  console.log(JSON.stringify({ text, report }));
}
main();
`;

/** The same in both kinds of module. */
const TYPED_MAIN = `
import { connect, type CloseReport, ReadTimeoutError, type SafeSocket } from '@lastack/net';
export async function close(port: number): Promise<CloseReport['delivery']> {
  const socket: SafeSocket = await connect({ host: '::1', port, timeouts: { read: 1_000 } });
  try {
    const chunk: Uint8Array | null = await socket.read();
    if (chunk === null) await socket.endWrite();
  } catch (error) {
    if (error instanceof ReadTimeoutError) console.log(error.phase, error.elapsedMs);
  }
  // @ts-expect-error no such option
  await socket.close({ dedline: 1 });
  return (await socket.close({ deadline: 1 })).delivery;
}
`;

const TYPED_SUBPATHS = `
import { type Timeouts } from '@lastack/net';
import { timeoutDispatcher } from '@lastack/net/undici';
import { leakGuard } from '@lastack/net/node-test';
import { type Dispatcher } from 'undici';
const timeouts: Timeouts = { total: 1 };
export const dispatcher: Dispatcher = timeoutDispatcher({ connections: 1 }, timeouts);
leakGuard({ settleMs: 1, ignore: (socket) => socket.kind === 'pipe' });
`;

let packed: PackedPackage;
let project: Project;

beforeAll(async () => {
  packed = await packPackage();
  project = await installPackage(packed.tarball);
  for (const [file, imports] of Object.entries(IMPORTS)) {
    await project.write(file, imports + EXCHANGE);
  }
}, 180_000);

afterAll(async () => {
  await project[Symbol.asyncDispose]();
  await packed[Symbol.asyncDispose]();
});

describe('the tarball', () => {
  it('holds the program, its types, the license and the readme, and no source', () => {
    const others = packed.files.filter((file) => !/^dist\/[\w-]+\.(d\.)?[cm](js|ts)$/.test(file));
    expect(others.toSorted()).toEqual(['LICENSE', 'README.md', 'package.json']);
    for (const entry of ['index', 'undici', 'node-test']) {
      expect(packed.files).toEqual(
        expect.arrayContaining(
          ['cjs', 'mjs', 'd.cts', 'd.mts'].map((extension) => `dist/${entry}.${extension}`),
        ),
      );
    }
  });

  it('needs no other package', async () => {
    const installed = await project.run('npm', 'ls', '--all', '--parseable');
    expect(installed.trim().split('\n')).toHaveLength(2);
  });
});

describe.each(NODES)('installed, on Node $version', ({ node }) => {
  it.each(Object.keys(IMPORTS))('opens, writes, reads and closes: %s', async (file) => {
    const output = await project.run(node, file);
    const { text, report } = JSON.parse(output) as {
      text: string;
      report: CloseReport;
    };
    expect(text).toBe('hello');
    expect(report).toMatchObject({
      outcome: 'graceful',
      finSent: true,
      peerFin: true,
      // koffi is not there.
      delivery: 'unknown',
      unsentBytes: 0,
      discardedBytes: 0,
    });
  });

  it('gives both kinds of module the same classes', async () => {
    await project.write(
      'both.mjs',
      `import { createRequire } from 'node:module';
       import * as imported from '@lastack/net';
       const required = createRequire(import.meta.url)('@lastack/net');
       const names = Object.keys(required);
       console.log(names.length > 20 && names.every((name) => required[name] === imported[name]));`,
    );
    expect(await project.run(node, 'both.mjs')).toBe('true\n');
  });

  it.each([
    ['ES modules', 'import', `await import('@lastack/net/undici')`],
    ['CommonJS', 'require', `require('@lastack/net/undici')`],
  ])('bounds a request of undici, with %s', async (_, kind, load) => {
    await using withUndici = await installPackage(packed.tarball);
    await withUndici.link('undici');
    const file = kind === 'import' ? 'undici.mjs' : 'undici.cjs';
    await withUndici.write(
      file,
      `${kind === 'import' ? `import net from 'node:net';` : `const net = require('node:net');`}
       const load = async () => ${load};
       const server = net.createServer().listen(0, '127.0.0.1', async () => {
         const { timeoutDispatcher } = await load();
         const dispatcher = timeoutDispatcher({}, { headers: 50 });
         const url = 'http://127.0.0.1:' + server.address().port;
         const error = await fetch(url, { dispatcher }).catch((error) => error.cause);
         console.log(error.name, error.code);
         server.close();
         await dispatcher.destroy();
       });`,
    );
    expect(await withUndici.run(node, file)).toBe('HeadersTimeoutError ERR_HEADERS_TIMEOUT\n');
  });

  it.each([
    ['leak.test.mjs', `import '@lastack/net/node-test';\nimport net from 'node:net';`],
    ['leak.test.cjs', `require('@lastack/net/node-test');\nconst net = require('node:net');`],
  ])('fails a test of node:test that leaks: %s', async (file, imports) => {
    const load = file.endsWith('cjs') ? `require('node:test')` : `await import('node:test')`;
    await project.write(
      file,
      `${imports}\nconst { test } = ${load};\ntest('leaks', () => { net.createServer().listen(0); });`,
    );
    const failure = project.run(node, '--test', file);
    await expect(failure).rejects.toThrow(/1 socket was left open by the test "leaks"/);
  });
});

describe('the types, compiled with the types of Node only', () => {
  const options = '--noEmit --strict --exactOptionalPropertyTypes --module nodenext --types node';
  const compile = async (where: Project, ...files: readonly string[]) =>
    where.run(process.execPath, TSC, ...options.split(' '), ...files);

  it('fit a program of either kind of module, without undici', async () => {
    await using consumer = await installPackage(packed.tarball);
    await consumer.link('@types/node');
    await consumer.write('main.mts', TYPED_MAIN);
    await consumer.write('main.cts', TYPED_MAIN);
    expect(await compile(consumer, 'main.mts', 'main.cts')).toBe('');
  });

  it('fit programs that use the other entries', async () => {
    await using consumer = await installPackage(packed.tarball);
    await consumer.link('@types/node', 'undici', 'vitest');
    await consumer.write('subpaths.mts', TYPED_SUBPATHS);
    await consumer.write('subpaths.cts', TYPED_SUBPATHS);
    await consumer.write(
      'setup.mts',
      `import { leakGuard } from '@lastack/net/vitest';\nleakGuard({ per: 'file' });\n`,
    );
    expect(await compile(consumer, 'subpaths.mts', 'subpaths.cts', 'setup.mts')).toBe('');
  });
});
