import { describe, expect, test } from 'vitest';
import { until } from '../../../test/kit/condition.ts';
import type { SocketLocation } from '../locator.ts';
import { locatePython } from './locate-python.ts';
import { OFFSET_TABLE } from './offset-table.ts';
import { INTERPRETERS, MISSING, VERSIONS } from './testing/interpreters.ts';
import { runPython, type PythonProgram } from './testing/python-program.ts';

async function executing({ pid }: PythonProgram): Promise<SocketLocation[]> {
  const located = await locatePython({ pid, fds: [] });
  if (located.kind !== 'ok') throw new Error(`${located.reason}: ${located.remedy}`);
  return located.value.locations.filter(({ role }) => role === 'executing');
}

/** Waits until that many threads execute the marked line of that function; returns the lines of the others. */
async function othersThan(
  program: PythonProgram,
  mark: string,
  name: string,
  threads = 1,
): Promise<number[]> {
  const line = program.line(mark);
  let last: readonly SocketLocation[] = [];
  const isThere = (each: SocketLocation) =>
    each.file === program.file && each.line === line && each.function.endsWith(name);
  await until(
    async () => {
      last = await executing(program);
      return last.filter(isThere).length === threads;
    },
    () => `${threads} threads in ${name}, line ${line}: ${JSON.stringify(last)}`,
  );
  return last.filter((each) => !isThere(each)).map((each) => each.line);
}

const SPINNING = `
def spin(number):
    while number >= 0: number += 1  # spinning

def main():
    print('ready', flush=True)
    spin(0)

main()
`;

const RECEIVING = `
import socket

class Proxy:
    def ask(self, upstream):
        data = b''
        return upstream.recv(  # receiving
            1024,
        )

def handle(connection):
    with connection:
        Proxy().ask(pair[0])

pair = socket.socketpair()
print('ready', flush=True)
handle(socket.socket())
`;

const SLEEPING_THREADS = `
import threading, time

def back_off(depth):
    if depth > 0:
        return back_off(depth - 1)
    time.sleep(3600)  # sleeping

threads = [threading.Thread(target=back_off, args=(5,)) for _ in range(20)]
for thread in threads:
    thread.start()
print('ready', flush=True)
threads[0].join()  # joining
`;

const GENERATOR = `
import time

def numbers():
    yield 1
    time.sleep(3600)  # in the generator
    yield 2

print('ready', flush=True)
list(numbers())
`;

const LIBRARY = `
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    pass

server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
print('ready', flush=True)
server.serve_forever()  # serving
`;

describe.each(INTERPRETERS.filter(({ version }) => VERSIONS.includes(version)))(
  'CPython $title',
  ({ path }) => {
    test('a loop is found on its line', async () => {
      await using program = await runPython(path, SPINNING);
      expect(await othersThan(program, 'spinning', 'spin')).toEqual([]);
    });

    test('a call that waits is found on its first line', async () => {
      await using program = await runPython(path, RECEIVING);
      expect(await othersThan(program, 'receiving', 'ask')).toEqual([]);
    });

    test('every thread is found, and named by its number', async () => {
      await using program = await runPython(path, SLEEPING_THREADS);
      expect(await othersThan(program, 'sleeping', 'back_off', 20)).toHaveLength(1);
      expect(await othersThan(program, 'joining', '<module>')).toHaveLength(20);
      const threads = (await executing(program)).map(({ evidence }) => evidence);
      expect(new Set(threads).size).toBe(21);
      expect(threads.every((each) => /stack of thread \d+, read from/.test(each))).toBe(true);
      expect(threads.join('\n')).toContain(`stack of thread ${program.pid},`);
    });

    test('a generator is a call like another', async () => {
      await using program = await runPython(path, GENERATOR);
      expect(await othersThan(program, 'in the generator', 'numbers')).toEqual([]);
    });

    test("the library's calls stand behind the user's line", async () => {
      await using program = await runPython(path, LIBRARY);
      expect(await othersThan(program, 'serving', '<module>')).toEqual([]);
      const [{ evidence }] = await executing(program);
      expect(evidence).toMatch(/; below it, (?:_PollLikeSelector\.)?select \(selectors\.py:\d+\)$/);
    });
  },
);

describe('offset-table.ts', () => {
  test.for(VERSIONS)('CPython %s is here to be read', (version, ctx) => {
    if (MISSING.includes(version)) ctx.skip(`CPython ${version} is not installed`);
    expect(Object.keys(OFFSET_TABLE)).toContain(version);
  });
});
