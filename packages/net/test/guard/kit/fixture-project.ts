import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));
const NET = fileURLToPath(new URL('../../../', import.meta.url));
const VITEST = fileURLToPath(new URL('../../../../../node_modules/vitest', import.meta.url));
const PATIENCE_MS = 50_000;

/** What a command printed, and how it ended. */
export interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** A folder with the fixtures, in which `@lastack/net` and `vitest` are installed as a user has them. */
export interface FixtureProject extends AsyncDisposable {
  readonly folder: string;
  /** The fixture's lines that follow a `leak: NAME` comment, by name. */
  leaksOf(fixture: string): Promise<ReadonlyMap<string, readonly string[]>>;
  write(name: string, content: string): Promise<void>;
  /** Runs this Node there, to its end. */
  run(...args: readonly string[]): Promise<Ended>;
}

export async function openFixtureProject(): Promise<FixtureProject> {
  const folder = await mkdtemp(join(tmpdir(), 'net-guard-'));
  const modules = join(folder, 'node_modules');
  await cp(FIXTURES, folder, { recursive: true });
  await mkdir(join(modules, '@lastack'), { recursive: true });
  await symlink(NET, join(modules, '@lastack/net'));
  await symlink(VITEST, join(modules, 'vitest'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');

  return {
    folder,
    async leaksOf(fixture) {
      const leaks = new Map<string, string[]>();
      const lines = (await readFile(join(folder, fixture), 'utf8')).split('\n');
      for (const [at, line] of lines.entries()) {
        const name = /\/\/ leak: (.+)$/.exec(line)?.[1];
        if (name === undefined) continue;
        leaks.set(name, [...(leaks.get(name) ?? []), `${join(folder, fixture)}:${at + 1}:`]);
      }
      return leaks;
    },
    async write(name, content) {
      await writeFile(join(folder, name), content);
    },
    run: async (...args) => run(folder, args),
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true });
    },
  };
}

async function run(cwd: string, args: readonly string[]): Promise<Ended> {
  // What vitest and node:test tell their children is not for the test runs in here.
  const { NODE_TEST_CONTEXT: _, VITEST: __, NODE_OPTIONS: ___, ...env } = process.env;
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...env, NO_COLOR: '1', FORCE_COLOR: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  return { status, output };
}
