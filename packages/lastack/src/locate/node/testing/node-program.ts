import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readListeners } from '../listeners.ts';

/** The running Node, and others to test with: LASTACK_TEST_NODES, paths separated by colons. */
export const NODES: readonly string[] = [
  process.execPath,
  ...(process.env['LASTACK_TEST_NODES'] ?? '').split(':').filter(Boolean),
];

export interface NodeProgramOptions {
  readonly node?: string;
  /** Decides how it is loaded: `server.cjs`. */
  readonly name?: string;
  /** Options of Node's own. */
  readonly options?: readonly string[];
  /** Files beside it, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A Node program of a test that has printed its first line; it ends with the `using` block. */
export class NodeProgram implements AsyncDisposable {
  readonly pid: number;
  readonly file: string;
  readonly inspectorPort: number;
  /** The words of its first line. */
  readonly words: readonly string[];
  readonly #source: string;
  readonly #stop: () => Promise<void>;
  readonly #clients: Socket[] = [];
  readonly #tell: (line: string) => void;
  readonly #listen: () => Promise<string>;

  constructor(
    facts: Pick<NodeProgram, 'pid' | 'file' | 'inspectorPort' | 'words'>,
    source: string,
    io: {
      stop: () => Promise<void>;
      tell: (line: string) => void;
      listen: () => Promise<string>;
    },
  ) {
    this.pid = facts.pid;
    this.file = facts.file;
    this.inspectorPort = facts.inspectorPort;
    this.words = facts.words;
    this.#source = source;
    this.#stop = io.stop;
    this.#tell = io.tell;
    this.#listen = io.listen;
  }

  /** The line, counted from 1, that has this text. */
  lineOf(text: string): number {
    const index = this.#source.split('\n').findIndex((line) => line.includes(text));
    if (index < 0) throw new Error(`no line has ${text}`);
    return index + 1;
  }

  /** A connection to the port that it printed. */
  async connect(): Promise<Socket> {
    const socket = connect(Number(this.words[0]), '127.0.0.1');
    socket.on('error', () => {});
    this.#clients.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  /** Waits for its next line. */
  listen(): Promise<string> {
    return this.#listen();
  }

  /** Gives it a line, and waits for one. */
  async ask(line: string): Promise<string> {
    const answer = this.#listen();
    this.#tell(line);
    return answer;
  }

  isAlive(): boolean {
    try {
      process.kill(this.pid, 0);
      return true;
    } catch {
      return false;
    }
  }

  /** Its descriptors of sockets, without the standard streams. */
  socketFds(): readonly number[] {
    return readdirSync(`/proc/${this.pid}/fd`)
      .map(Number)
      .filter((fd) => fd > 2 && linkOf(`/proc/${this.pid}/fd/${fd}`).startsWith('socket:'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await this.#stop();
  }
}

/** Starts a program with an inspector port of its own, so that tests can run side by side. */
export async function startNode(
  source: string,
  {
    node = process.execPath,
    name = 'program.mjs',
    options = [],
    files = {},
  }: NodeProgramOptions = {},
): Promise<NodeProgram> {
  const folder = mkdtempSync(join(tmpdir(), 'lastack-node-'));
  const file = join(folder, name);
  writeFileSync(file, source);
  for (const [other, text] of Object.entries(files)) writeFileSync(join(folder, other), text);
  const inspectorPort = await freePort();
  const args = [`--inspect-port=${inspectorPort}`, ...options, file];
  const child = spawn(node, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(child, 'exit');
  const lines = createInterface(child.stdout);
  const listen = async (): Promise<string> => String((await once(lines, 'line'))[0]);
  const first = await Promise.race([listen(), ended.then(() => null)]);
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  };
  if (child.pid === undefined || first === null) {
    await stop();
    throw new Error(`the program ended: ${file}`);
  }
  child.stdin.on('error', () => {});
  const tell = (line: string): unknown => child.stdin.write(`${line}\n`);
  const facts = { pid: child.pid, file, inspectorPort, words: first.split(' ') };
  return new NodeProgram(facts, source, { stop, tell, listen });
}

/** Whether a process's network namespace has a listener on that port, by the kernel's table. */
export function listensOn(pid: number, port: number): boolean {
  const listeners = readListeners(pid);
  if (listeners.kind !== 'ok') throw new Error(listeners.reason);
  return [...listeners.value.values()].some((listener) => listener.port === port);
}

/** Below the ports that connections get, since one of those could take it between now and then. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 30_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await Promise.race([
      once(server, 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ]);
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
