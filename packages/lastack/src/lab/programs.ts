import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LabProgram } from './scenario.ts';

const FOLDER = fileURLToPath(new URL('../programs/lab/', import.meta.url));
const BUILT = fileURLToPath(new URL('./', import.meta.url));
export const TETHER = `${FOLDER}tether.cjs`;
export const LOOPBACK_UP = `${FOLDER}loopback-up.cjs`;
const READY_MS = 20_000;
/** How a program says that it is not allowed here what it needs. */
const CANNOT = /^cannot /;

/** What the scenario needs is not allowed here: the message is the reason to skip it. */
export class NotPossible extends Error {}

/** A program of a scenario that has said `ready`. */
export interface RunningProgram extends Disposable {
  readonly role: string;
  readonly pid: number;
  /** What it has written, but for `ready`. */
  readonly lines: readonly string[];
}

/**
 * Starts a program and waits until it is ready.
 * @throws NotPossible when it says that it cannot run here
 * @throws Error when it ends or is silent instead
 */
export async function startProgram(program: LabProgram, port: number): Promise<RunningProgram> {
  const { role, file } = program;
  const child = spawnProgram(program, port);
  const ended = once(child, 'close');
  const lines: string[] = [];
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const isReady = new Promise<boolean>((resolve) => {
    onLines(child, (line) => {
      if (line === 'ready') resolve(true);
      else lines.push(line);
    });
    child.once('close', () => resolve(false));
    setTimeout(() => resolve(false), READY_MS).unref();
  });
  const kill = () => {
    child.kill('SIGKILL');
  };
  if (!(await isReady)) {
    kill();
    await ended;
    const reason = lines.find((line) => CANNOT.test(line));
    if (reason !== undefined) throw new NotPossible(`a program ${reason}: run as root`);
    throw new Error(`The ${role} (${file}) did not get ready. ${errors.trim()}`.trim());
  }
  return { role, pid: child.pid ?? 0, lines, [Symbol.dispose]: kill };
}

function spawnProgram(
  { file, args, shell }: LabProgram,
  port: number,
): ChildProcessWithoutNullStreams {
  const path = file.endsWith('.cjs') ? `${BUILT}${file}` : `${FOLDER}${file}`;
  const words = args.map((word) =>
    word === 'PORT' ? String(port) : word === 'PORT1' ? String(port + 1) : word,
  );
  const line = [process.execPath, '--require', TETHER, path, ...words];
  const [command, ...rest] =
    shell === undefined ? line : ['sh', '-c', `${shell}\nexec "$@"`, 'sh', ...line];
  const child = spawn(command, rest, {
    stdio: 'pipe',
    env: { ...process.env, LASTACK_LAB_PARENT: String(process.pid) },
  });
  child.stdin.on('error', () => {});
  return child;
}

function onLines(child: ChildProcessWithoutNullStreams, take: (line: string) => void): void {
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}
