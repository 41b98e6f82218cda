import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test, type TestContext } from 'vitest';
import { until } from '../../../test/kit/condition.ts';
import { locatePython } from './locate-python.ts';
import { INTERPRETERS, interpreterOf, VERSIONS, type Interpreter } from './testing/interpreters.ts';
import { runPython, type PythonProgram } from './testing/python-program.ts';

const WAITING = `
import sys, time
print('ready')
sys.stdout.flush()
sys.stdin.readline()  # waiting
`;

const SUPPORTED = INTERPRETERS.filter(({ version }) => VERSIONS.includes(version));

function newest(ctx: TestContext): Interpreter {
  return SUPPORTED.at(-1) ?? ctx.skip('no CPython of 3.8 to 3.13 is installed');
}

/** Lines of what the threads execute, or the reason and the remedy. */
async function executing({ pid }: { pid: number }): Promise<string[]> {
  const located = await locatePython({ pid, fds: [] });
  if (located.kind !== 'ok') return [located.reason, located.remedy];
  return located.value.locations.map(
    ({ file, line, function: name }) => `${basename(file)}:${line} ${name}`,
  );
}

async function untilWaiting(program: PythonProgram): Promise<string[]> {
  const there = `program.py:${program.line('waiting')} <module>`;
  return until(async () => {
    const found = await executing(program);
    return found.includes(there) ? found : null;
  }, there);
}

describe('locatePython() refuses', () => {
  test.for(['2.7', '3.6', '3.7'])('CPython %s, and says what reads it', async (version, ctx) => {
    await using program = await runPython(interpreterOf(version, ctx).path, WAITING);
    expect(await executing(program)).toEqual([
      `unsupported: CPython ${version}`,
      `run py-spy dump --pid ${program.pid}`,
    ]);
  });

  test('a process that is not Python, and one that is not there', async () => {
    expect(await executing({ pid: process.pid })).toEqual([
      expect.stringMatching(/^the interpreter of process \d+ was not found: node/),
      `run py-spy dump --pid ${process.pid}`,
    ]);
    // Above the largest pid_max, 2^22.
    const [reason] = await executing({ pid: 99_999_999 });
    expect(reason).toBe('process 99999999 ended while it was read');
  });

  test("another user's process, with the remedy", async (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip('only root can become another user');
    await using program = await runPython(newest(ctx).path, WAITING);
    process.seteuid?.(65_534);
    const refused = await executing(program).finally(() => process.seteuid?.(0));
    expect(refused).toEqual([
      expect.stringContaining(`/proc/${program.pid}/mem: permission denied`),
      'run as root',
    ]);
  });
});

describe.each(SUPPORTED)('CPython $title', ({ path }) => {
  test('a program whose binary was deleted is read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lastack-binary-'));
    const copy = join(folder, basename(path));
    copyFileSync(path, copy);
    const home = dirname(dirname(path));
    await using program = await runPython(path, WAITING, {
      command: (_, file) => ['env', `PYTHONHOME=${home}`, copy, file],
    });
    rmSync(folder, { recursive: true });
    expect(await untilWaiting(program)).toHaveLength(1);
  });

  test('a program that became another is not taken for what it was', async () => {
    const source = `${WAITING}\nimport os\nos.execv('/bin/sleep', ['sleep', '60'])\n`;
    await using program = await runPython(path, source);
    await untilWaiting(program);
    program.tell('go');
    const seen = new Set<string>();
    await until(async () => {
      const [first] = await executing(program);
      seen.add(first);
      return first.startsWith('the interpreter of process');
    }, 'sleep to be no Python');
    for (const each of seen) {
      expect(each).toMatch(/^(program\.py:\d+ <module>|the interpreter of|process \d+ ended)/);
    }
  });

  test('a program that ends is unavailable, never wrong', async () => {
    await using program = await runPython(path, WAITING);
    await untilWaiting(program);
    program.tell('go');
    await until(async () => {
      const [first] = (await executing(program)).slice(-2);
      return / ended | changed |cannot read/.test(first ?? '');
    }, 'the program to end');
    expect((await executing(program))[0]).toMatch(/ended/);
  });
});

const CHURN = `
import threading

def up(n):
    return n if n <= 0 else up(n - 1) + down(n - 2)  # up

def down(n):
    return n if n <= 0 else up(n - 1)  # down

class Worker:
    def run(self):
        while True: up(10), list(self.numbers())  # run

    def numbers(self):
        for i in range(20): yield up(3)  # numbers

for _ in range(5):
    threading.Thread(target=Worker().run, daemon=True).start()
print('ready', flush=True); threading.Event().wait()  # main
`;

describe.each(SUPPORTED)('CPython $title under load', ({ path }) => {
  test('stacks that change all the time are complete, mostly, and never wrong', async () => {
    await using program = await runPython(path, CHURN);
    const marks = { up: 'up', down: 'down', run: 'run', numbers: 'numbers', '<module>': 'main' };
    // A call that begins is at its `def`, the line before.
    const allowed = new Set(
      Object.entries(marks).flatMap(([name, mark]) => [
        `${name}:${program.line(mark)}`,
        `${name}:${program.line(mark) - 1}`,
      ]),
    );
    const places = new Set<string>();
    let threads = 0;
    let torn = 0;
    for (let round = 0; round < 40; round++) {
      const located = await locatePython({ pid: program.pid, fds: [] });
      if (located.kind !== 'ok') throw new Error(located.reason);
      const own = located.value.locations.filter(({ file }) => file === program.file);
      threads += own.length;
      for (const { function: name, line } of own) {
        places.add(`${name.split('.').at(-1)}:${line}`);
      }
      torn += Number(/^(\d+) of /.exec(located.value.notes.join())?.[1] ?? 0);
    }
    expect([...places].filter((place) => !allowed.has(place))).toEqual([]);
    expect(threads).toBeGreaterThan(40 * 3);
    expect(torn / threads).toBeLessThan(0.1);
  });
});

test('a library that was replaced on the disk is read all the same, by root', async (ctx) => {
  if (process.getuid?.() !== 0) ctx.skip('/proc/PID/map_files is for root');
  const { path } = newest(ctx);
  const home = dirname(dirname(path));
  const name = `lib${basename(path)}.so.1.0`;
  if (!existsSync(join(home, 'lib', name))) ctx.skip(`${path} has no shared library`);
  const folder = mkdtempSync(join(tmpdir(), 'lastack-library-'));
  copyFileSync(join(home, 'lib', name), join(folder, name));
  await using program = await runPython(path, WAITING, {
    command: (python, file) => ['env', `LD_LIBRARY_PATH=${folder}`, python, file],
  });
  rmSync(join(folder, name));
  writeFileSync(join(folder, name), 'not what is mapped');
  expect(await untilWaiting(program)).toHaveLength(1);
  rmSync(folder, { recursive: true });
});
