import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished, vi } from 'vitest';

const ECHO = fileURLToPath(new URL('../../../../examples/echo/', import.meta.url));
const PATIENCE_MS = 20_000;

/** A program that runs until the test is over. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  /** What it has printed, on both streams. */
  output(): string;
  /** Waits until it has printed something that matches. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Waits for its end: the exit status, or the signal that ended it. */
  ended(): Promise<number | NodeJS.Signals | null>;
}

function start(command: string, args: readonly string[]): Running {
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
  const child = spawn(command, args, { env });
  const exit = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  // The program may have gone, and its pipe with it.
  child.stdin.on('error', () => {});
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return {
    child,
    output: () => output,
    printed: async (pattern) =>
      vi.waitFor(
        () => {
          const match = pattern.exec(output);
          if (match === null) throw new Error(`${pattern} is not in: ${output}`);
          return match;
        },
        { timeout: PATIENCE_MS, interval: 10 },
      ),
    async ended() {
      const [status, signal] = await exit;
      return signal ?? status;
    },
  };
}

/** A server on a free port of the loopback. */
export async function startServer(...args: readonly string[]): Promise<Running & { port: number }> {
  const server = launchServer('--port=0', ...args);
  const [, port] = await server.printed(/^listening on port (\d+)$/m);
  return { ...server, port: Number(port) };
}

/** The same, without waiting until it listens. */
export function launchServer(...args: readonly string[]): Running {
  return start(process.execPath, [`${ECHO}server.mjs`, '--host=127.0.0.1', ...args]);
}

export function startClient(port: number): Running {
  return start(process.execPath, [`${ECHO}client.mjs`, '--host=127.0.0.1', `--port=${port}`]);
}

/** A client in a terminal of its own, as script(1) makes it: what is written to it is typed. */
export function startClientInTerminal(port: number): Running {
  const command = `${process.execPath} ${ECHO}client.mjs --host 127.0.0.1 --port ${port}`;
  return start('script', ['--quiet', '--return', '--command', command, '/dev/null']);
}

/** The states of all sockets of the port, as the kernel names them in tcp_states.h, listeners left out. */
export async function statesOf(port: number): Promise<string[]> {
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map(async (table) => readFile(`/proc/net/${table}`, 'utf8')),
  );
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return tables
    .flatMap((table) => table.split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '', remote = '']) => local.endsWith(hex) || remote.endsWith(hex))
    .map(([, , , state = '']) => STATES[state] ?? state)
    .filter((state) => state !== 'LISTEN');
}

const STATES: Readonly<Record<string, string>> = {
  '01': 'ESTABLISHED',
  '06': 'TIME-WAIT',
  '08': 'CLOSE-WAIT',
  '0A': 'LISTEN',
};

/** The processes whose parent it is, zombies too. */
export async function childrenOf(pid: number): Promise<string[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter((child) => child !== '');
}
