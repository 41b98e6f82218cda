import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Location } from '@lastack/core';
import { locatePython } from '../src/locate/python/locate-python.ts';
import {
  INTERPRETERS,
  VERSIONS,
  type Interpreter,
} from '../src/locate/python/testing/interpreters.ts';
import { runPython, type PythonProgram } from '../src/locate/python/testing/python-program.ts';
import { until } from './kit/condition.ts';
import { runLastack } from './kit/lastack.ts';
import { descriptorsOf, parseSockets } from './kit/sockets.ts';
import { visit } from './kit/visit.ts';
import { PYTHON_APPS, type PythonApp } from './python-apps.ts';

const SUPPORTED = INTERPRETERS.filter(({ version }) => VERSIONS.includes(version));
const ANSWER = `HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n${'.'.repeat(4000)}`;
/** A fault must be as old as the doctor's patience, on a busy machine. */
const WITHIN_MS = 40_000;

let silent: Server;
let closing: Server;

beforeAll(async () => {
  silent = await listen(createServer((socket) => socket.on('error', () => {}).resume()));
  closing = await listen(
    createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(ANSWER))),
  );
});

afterAll(() => {
  silent.close();
  closing.close();
});

for (const interpreter of SUPPORTED) {
  describe.concurrent(`CPython ${interpreter.title}: the lines are those of the user`, () => {
    for (const app of PYTHON_APPS) {
      test(`of ${app.name}`, async (ctx) => {
        if (!hasFault(app, interpreter)) ctx.skip(`CPython after ${why(app)}`);
        await using program = await leak(app, interpreter);
        const told = await areTold(app, program, async () => {
          const located = await locatePython({ pid: program.pid, fds: leakedBy(program) });
          return located.kind === 'ok' ? located.value.locations : [];
        });
        expect(told).toBe(true);
      });
    }
  });
}

describe.concurrent('the doctor names the lines of the user', () => {
  for (const app of PYTHON_APPS) {
    test(`of ${app.name}`, async (ctx) => {
      const newest = SUPPORTED.findLast((each) => hasFault(app, each));
      if (newest === undefined) ctx.skip('no CPython of 3.8 to 3.13 with the fault is installed');
      await using program = await leak(app, newest as Interpreter);
      const args = ['doctor', '--json', '--pid', String(program.pid), '--for', '1s'];
      const told = await areTold(app, program, async () => {
        const { stdout } = await runLastack(args);
        const { findings } = JSON.parse(stdout) as {
          findings: readonly { rule: string; locations: readonly Location[] }[];
        };
        return findings
          .filter(({ rule }) => rule === 'close-wait-leak')
          .flatMap(({ locations }) => locations);
      });
      expect(told).toBe(true);
    });
  }
});

async function listen(server: Server): Promise<Server> {
  server.listen(0);
  await once(server, 'listening');
  return server;
}

function hasFault({ until: last }: PythonApp, { version }: Interpreter): boolean {
  return last === undefined || VERSIONS.indexOf(version) <= VERSIONS.indexOf(last.version);
}

function why({ until: last }: PythonApp): string {
  return last === undefined ? '' : `${last.version} ${last.why}`;
}

/** Starts a program, and lets its clients come and leave. */
async function leak(app: PythonApp, { path }: Interpreter): Promise<PythonProgram> {
  const file = new URL(`programs/python-apps/${app.name}.py`, import.meta.url);
  const { port } = (app.clients > 0 ? silent : closing).address() as AddressInfo;
  const program = await runPython(path, readFileSync(file, 'utf8'), {
    command: (python, copy) => [python, copy, String(port)],
  });
  try {
    for (let client = 0; client < app.clients; client++) await visit(program.words[0]);
    await until(
      () => leakedBy(program).length >= app.leaks,
      () => `${app.leaks} CLOSE-WAITs of ${app.name}; there are ${leakedBy(program).length}`,
    );
    return program;
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
}

/** The descriptors of its CLOSE-WAITs. */
function leakedBy({ pid }: PythonProgram): number[] {
  const sockets = parseSockets(readFileSync('/proc/self/net/tcp', 'utf8'), 4);
  const links = new Set(
    sockets.flatMap(({ state, inode }) => (state === 'CLOSE-WAIT' ? [`socket:[${inode}]`] : [])),
  );
  return descriptorsOf(pid).filter((fd) => {
    try {
      return links.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return false;
    }
  });
}

async function areTold(
  { lines, name }: PythonApp,
  program: PythonProgram,
  look: () => Promise<readonly Location[]>,
): Promise<boolean> {
  let last: readonly Location[] = [];
  return until(
    async () => {
      last = await look();
      return lines.every(([role, mark]) =>
        last.some(
          (each) =>
            each.role === role && each.file === program.file && each.line === program.line(mark),
        ),
      );
    },
    () => `${JSON.stringify(lines)} of ${name}; there is ${JSON.stringify(last, null, 1)}`,
    { withinMs: WITHIN_MS },
  );
}
