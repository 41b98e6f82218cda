import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A Python program of a test that has printed `ready`; it ends with the `using` block. */
export interface PythonProgram extends AsyncDisposable {
  readonly pid: number;
  readonly file: string;
  /** The numbers after `ready`: descriptors, mostly. */
  readonly words: readonly number[];
  /** The line that ends with `# mark`. */
  readonly line: (mark: string) => number;
  readonly tell: (line: string) => void;
  readonly ended: Promise<unknown>;
}

export interface PythonProgramOptions {
  readonly command?: (python: string, file: string) => readonly [string, ...string[]];
  /** Further modules beside the program, by file name. */
  readonly modules?: Readonly<Record<string, string>>;
}

/** Writes a program to a folder of its own, runs it, and waits for its line `ready …`. */
export async function runPython(
  python: string,
  source: string,
  { command, modules = {} }: PythonProgramOptions = {},
): Promise<PythonProgram> {
  const folder = mkdtempSync(join(tmpdir(), 'lastack-python-'));
  const file = join(folder, 'program.py');
  const files: Record<string, string> = { ...modules, 'program.py': source };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const [program, ...args] = command?.(python, file) ?? [python, file];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const ended = once(child, 'exit');
  const first = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(() => null),
  ]);
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  };
  const ready = String(first?.[0] ?? '');
  if (child.pid === undefined || !ready.startsWith('ready')) {
    await stop();
    throw new Error(`${python} did not get ready: ${complaint}`);
  }
  return {
    pid: child.pid,
    file,
    words: ready.split(' ').slice(1).map(Number),
    line: (mark) => lineOf(source, mark),
    tell: (line) => child.stdin.write(`${line}\n`),
    ended,
    [Symbol.asyncDispose]: stop,
  };
}

function lineOf(source: string, mark: string): number {
  const line = source.split('\n').findIndex((text) => text.endsWith(`# ${mark}`));
  if (line < 0) throw new Error(`no line is marked ${mark}`);
  return line + 1;
}
