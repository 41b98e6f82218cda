import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProgram } from './kit/program.ts';
import { commandOf, makerIn, namespaceOrSkip, reportOf, runUnder } from './kit/run.ts';

const PORT = 7000;

let parent = '';
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'lastack-test-run-'));
});
afterAll(() => rm(parent, { recursive: true }));

/** Program, sockets left in CLOSE-WAIT, and the function that makes them on the line that says so. */
const LEAKS: readonly (readonly [program: string, count: number, maker: string])[] = [
  ['http-agent.cjs', 3, 'download'],
  ['net-server.mjs', 2, 'start'],
  ['fetch-unread.mjs', 2, 'check'],
  ['in-worker.mjs', 1, '<anonymous>'],
  ['http-client.py', 3, 'download'],
  ['socket-server.py', 2, 'serve'],
  ['asyncio-server.py', 1, 'main'],
  ['forked.py', 1, '<module>'],
];

describe.concurrent('run finds the line that makes a socket that is not closed', () => {
  for (const [program, count, maker] of LEAKS) {
    test(`in ${program}`, async (ctx) => {
      await using namespace = await namespaceOrSkip(ctx);
      const output = await runUnder(
        { namespace, parent },
        ['--grace', '300ms', '--json'],
        commandOf(program),
      );
      const { findings, status } = reportOf(output);
      expect(findings).toMatchObject([
        { kind: 'close-wait', severity: 'leak', count, locations: [await makerIn(program, maker)] },
      ]);
      expect(status).toBe(0);
      expect(output.status).toBe(1);
      expect(namespace.pids()).toEqual([]);
    });
  }
});

test('run finds the line that called a package which connects in the next tick', async (ctx) => {
  await using namespace = await namespaceOrSkip(ctx);
  const program = 'redis-client.cjs';
  const output = await runUnder({ namespace, parent }, ['--json'], commandOf(program));
  expect(reportOf(output).findings).toMatchObject([
    { kind: 'open-at-exit', count: 1, locations: [await makerIn(program, 'open')] },
  ]);
});

describe.concurrent('run is silent about a program that closes', () => {
  for (const program of ['healthy.mjs', 'healthy.py']) {
    test(`in ${program}`, async (ctx) => {
      await using namespace = await namespaceOrSkip(ctx);
      const output = await runUnder(
        { namespace, parent },
        ['--json', '--fail-on', 'warning'],
        commandOf(program),
      );
      expect(output.stderr).toBe('');
      expect(reportOf(output).findings).toEqual([]);
      expect(output.status).toBe(0);
    });
  }
});

describe.concurrent('run tells what a program that ends by itself has not closed', () => {
  for (const [program, maker] of [
    ['leaves-open.mjs', 'connect'],
    ['leaves-open.py', '<module>'],
  ]) {
    test(`in ${program}`, async (ctx) => {
      await using namespace = await namespaceOrSkip(ctx);
      await startProgram(namespace, 'healthy-echo.py', [PORT]);
      const command = commandOf(program, PORT);
      const output = await runUnder({ namespace, parent }, ['--json'], command);
      expect(reportOf(output).findings).toMatchObject([
        {
          kind: 'open-at-exit',
          severity: 'warning',
          peer: `127.0.0.1:${PORT}`,
          count: 1,
          locations: [await makerIn(program, maker)],
        },
      ]);
      expect(output.status).toBe(0);
      const strict = await runUnder({ namespace, parent }, ['--fail-on', 'warning'], command);
      expect(strict.status).toBe(1);
      expect(strict.stdout).toBe('');
      expect(strict.stderr).toMatch(/not closed at exit +127\.0\.0\.1:7000 +1 .*leaves-open/);
    });
  }
});
