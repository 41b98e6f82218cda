import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from './condition.ts';
import { findPython } from './installed.ts';
import { NamespaceUnavailable, type Namespace } from './netns.ts';

const PROGRAMS = fileURLToPath(new URL('../programs/', import.meta.url));

/** A running program of `programs/`. Its namespace ends it. */
export class Program {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly name: string;
  readonly pid: number;
  /** Resolves to the exit status. */
  readonly ended: Promise<number | null>;

  constructor(name: string, child: ChildProcessWithoutNullStreams, pid: number) {
    this.name = name;
    this.#child = child;
    this.pid = pid;
    this.ended = new Promise((resolve) => child.once('exit', resolve));
  }

  /** Stops the program's clock, so to speak: it sees nothing of what happens until `resume()`. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Gives the program a line on its standard input. */
  tell(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }
}

/**
 * Starts a program and waits for its line `ready …`. Python 2.7 runs those whose name begins with `python2-`.
 * @param node the executable that runs those in JavaScript
 */
export async function startProgram(
  ns: Namespace,
  name: string,
  args: readonly (string | number)[],
  node = process.execPath,
): Promise<Program> {
  const [command, ...flags] = name.endsWith('.mjs') ? [node] : pythonOf(name, ns.uid);
  const child = ns.spawn(command, [...flags, `${PROGRAMS}${name}`, ...args.map(String)]);
  if (child.pid === undefined) throw new NamespaceUnavailable('nsenter does not run');
  // Before it is ready: a client may be done by then.
  const program = new Program(name, child, child.pid);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  let outcome: 'ready' | 'ended' | null = null;
  createInterface(child.stdout)
    .on('line', (line) => line.startsWith('ready') && (outcome = 'ready'))
    .once('close', () => (outcome ??= 'ended'));
  const reached: string = await until(() => outcome, `${name} to be ready`);
  if (reached === 'ended') throw new Error(`${name} is not ready: ${complaint.trim()}`);
  return program;
}

function pythonOf(name: string, uid: number | null): string[] {
  const version = name.startsWith('python2-') ? 'python2.7' : 'python3';
  const asUser = process.getuid?.() === 0 ? (uid ?? undefined) : undefined;
  const python = findPython(version, asUser);
  if (python === null) throw new NamespaceUnavailable(`no ${version} that runs is on the PATH`);
  return [python];
}
