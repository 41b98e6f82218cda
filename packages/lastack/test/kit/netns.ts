import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findPython, isInstalled, PROGRAM_ENV } from './installed.ts';

export interface NamespaceOptions {
  /** Become this ordinary user first; only root can. Without it the tests' own user opens the namespace. */
  readonly uid?: number;
}

export interface SpawnOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The user to run as inside; only where root opened the namespace. */
  readonly uid?: number;
}

/** How a program ended and all that it wrote; a signal's death has the status 128 + n, as in a shell. */
export interface Output {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The namespace cannot be had here: the message is the reason to give to `ctx.skip()`. */
export class NamespaceUnavailable extends Error {}

const HOLDER = fileURLToPath(new URL('holder.py', import.meta.url));
const SIGNALS: Readonly<Record<string, number>> = {
  SIGINT: 2,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/**
 * A private network namespace with loopback up. The PID namespace stays the host's: the BPF owner lookup works in the
 * initial one only, and procfs would show a `wait4(pid)` with a number that nobody outside knows.
 *
 * Whatever runs inside ends with it, also grandchildren that have left their parents: the holder ends every process of
 * the namespace as soon as its standard input closes, which the death of the test process does too.
 */
export class Namespace implements AsyncDisposable {
  readonly #holder: ChildProcessWithoutNullStreams;
  readonly #identity: readonly string[];
  readonly #entry: readonly string[];
  /** The holder: a process that is inside. */
  readonly pid: number;
  /** `/proc/PID/ns/net` as it reads: `net:[4026532281]`. */
  readonly link: string;
  /** The ordinary user who opened the namespace; null for root, who needs no user namespace. */
  readonly uid: number | null;

  constructor(holder: ChildProcessWithoutNullStreams, pid: number, uid: number | null) {
    this.#holder = holder;
    this.pid = pid;
    this.uid = uid;
    this.link = readlinkSync(`/proc/${pid}/ns/net`);
    this.#identity = identityOf(uid);
    const userns = uid === null ? [] : ['--user', '--preserve-credentials'];
    this.#entry = ['nsenter', `--target=${pid}`, ...userns, '--net'];
  }

  get inode(): number {
    return Number(/\d+/.exec(this.link)?.[0]);
  }

  /** The command line that runs a command inside; it becomes that command by exec, so its pid is the command's. */
  entering(command: string, args: readonly string[], uid?: number): [string, string[]] {
    const line = [...this.#identity, ...this.#entry, ...identityOf(uid ?? null), command, ...args];
    return [line[0], line.slice(1)];
  }

  spawn(
    command: string,
    args: readonly string[],
    options: SpawnOptions = {},
  ): ChildProcessWithoutNullStreams {
    const [file, line] = this.entering(command, args, options.uid);
    const child = spawn(file, line, {
      env: options.env ?? PROGRAM_ENV,
      cwd: options.cwd,
      stdio: 'pipe',
    });
    // A program may end before it has read its input; its status and its output tell what happened.
    child.stdin.on('error', () => {});
    return child;
  }

  async run(command: string, args: readonly string[], options: SpawnOptions = {}): Promise<Output> {
    const child = this.spawn(command, args, options);
    child.stdin.end();
    return collect(child);
  }

  /** Runs a command that must succeed, and returns what it wrote to stdout. */
  async do(command: string, args: readonly string[], input = ''): Promise<string> {
    const child = this.spawn(command, args);
    child.stdin.end(input);
    const { status, stdout, stderr } = await collect(child);
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  }

  /** Adds rules to the input hook, one a line: what arrives and matches is dropped or rejected. */
  async obstruct(...rules: readonly string[]): Promise<void> {
    if (!isInstalled('nft')) throw new NamespaceUnavailable('nft is missing: install nftables');
    const ruleset = [
      'add table inet faults',
      'add chain inet faults input { type filter hook input priority 0; }',
      ...rules.map((rule) => `add rule inet faults input ${rule}`),
      '',
    ];
    await this.do('nft', ['-f', '-'], ruleset.join('\n'));
  }

  /** Sets a sysctl of this namespace by its dotted name. */
  async set(sysctl: string, value: string | number): Promise<void> {
    const path = `/proc/sys/${sysctl.replaceAll('.', '/')}`;
    await this.do('sh', ['-c', `echo "$1" > ${path}`, 'sh', String(value)]);
  }

  /** Every process inside, without the holder. */
  pids(): number[] {
    return pidsIn(this.link).filter((pid) => pid !== this.pid);
  }

  /** A file of /proc/net as it reads inside. */
  procNet(name: string): string {
    return readFileSync(`/proc/${this.pid}/net/${name}`, 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const gone = once(this.#holder, 'exit');
    this.#holder.stdin.end();
    await gone;
  }
}

/** Two namespaces that a veth pair joins: `here` has 10.99.0.1 and fd99::1, `there` 10.99.0.2 and fd99::2. */
export interface Pair extends AsyncDisposable {
  readonly here: Namespace;
  readonly there: Namespace;
}

export const HERE = { ipv4: '10.99.0.1', ipv6: 'fd99::1' } as const;
export const THERE = { ipv4: '10.99.0.2', ipv6: 'fd99::2' } as const;

/** @throws NamespaceUnavailable where it cannot be had, with the reason */
export async function openNamespace(options: NamespaceOptions = {}): Promise<Namespace> {
  const isRoot = process.getuid?.() === 0;
  const uid = isRoot ? (options.uid ?? null) : (process.getuid?.() ?? null);
  if (!isRoot && options.uid !== undefined && options.uid !== uid) {
    throw new NamespaceUnavailable(`only root can become user ${options.uid}`);
  }
  const unshare = ['unshare', ...(uid === null ? [] : ['--map-root-user']), '--net'];
  return hold([...identityOf(uid), ...unshare], uid);
}

/** @throws NamespaceUnavailable where it cannot be had, with the reason */
export async function openPair(options: NamespaceOptions = {}): Promise<Pair> {
  const here = await openNamespace(options);
  try {
    // A veth end may only move to a namespace of the same user namespace, so the second is made inside the first's.
    const [file, line] = here.entering('unshare', ['--net']);
    const there = await hold([file, ...line], here.uid);
    try {
      await join(here, there);
      return {
        here,
        there,
        [Symbol.asyncDispose]: async () => {
          await Promise.all([here[Symbol.asyncDispose](), there[Symbol.asyncDispose]()]);
        },
      };
    } catch (error) {
      await there[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    await here[Symbol.asyncDispose]();
    throw error;
  }
}

/** Every process of a network namespace that we may look at. */
export function pidsIn(link: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/ns/net`) === link;
      } catch {
        return false;
      }
    });
}

async function hold(unshare: readonly string[], uid: number | null): Promise<Namespace> {
  for (const program of ['unshare', 'nsenter', 'setpriv', 'ip']) {
    if (!isInstalled(program)) throw new NamespaceUnavailable(`${program} is missing: install it`);
  }
  const python = findPython('python3', process.getuid?.() === 0 ? (uid ?? undefined) : undefined);
  if (python === null) throw new NamespaceUnavailable('python3 is missing: install it');
  const ours = readlinkSync('/proc/self/ns/net');
  const [file, ...line] = [...unshare, python, HOLDER, ours];
  const holder = spawn(file, line, { env: PROGRAM_ENV, stdio: 'pipe' });
  // A holder that has failed closes its stdin early; its exit is what gets reported.
  holder.stdin.on('error', () => {});
  const output = collect(holder);
  const [first] = await Promise.race([once(holder.stdout, 'data'), output.then(() => [null])]);
  if (first === null || holder.pid === undefined) {
    const { stderr } = await output;
    throw new NamespaceUnavailable(
      `no network namespace for ${uid === null ? 'root' : `user ${uid}`}: ${stderr.trim()}`,
    );
  }
  return new Namespace(holder, holder.pid, uid);
}

async function join(here: Namespace, there: Namespace): Promise<void> {
  const peer = ['peer', 'name', 'veth0', 'netns', String(there.pid)];
  await here.do('ip', ['link', 'add', 'veth0', 'type', 'veth', ...peer]);
  await Promise.all([configure(here, HERE), configure(there, THERE)]);
}

/** `nodad`: duplicate address detection would keep the IPv6 addresses tentative for a second. */
async function configure(ns: Namespace, address: typeof HERE | typeof THERE): Promise<void> {
  const commands = [
    `address add ${address.ipv4}/24 dev veth0`,
    `-6 address add ${address.ipv6}/64 dev veth0 nodad`,
    'link set veth0 up',
    '',
  ];
  await ns.do('ip', ['-batch', '-'], commands.join('\n').replaceAll('-6 ', ''));
}

function identityOf(uid: number | null): string[] {
  if (uid === null || process.getuid?.() !== 0) return [];
  return ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
}

/** Waits for the end of a child and of its output. */
export async function collect(child: ChildProcessWithoutNullStreams): Promise<Output> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { status: code ?? 128 + (SIGNALS[signal ?? ''] ?? 0), stdout, stderr };
}
