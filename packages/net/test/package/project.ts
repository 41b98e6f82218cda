import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** A folder that is no part of the repository. */
export interface Project extends AsyncDisposable {
  readonly folder: string;
  /** Makes packages of the repository's own node_modules available. */
  link(...names: readonly string[]): Promise<void>;
  write(file: string, content: string): Promise<void>;
  /** Runs a command to its end. @returns what it printed; rejects, with it, when the command fails */
  run(command: string, ...args: readonly string[]): Promise<string>;
}

export async function openProject(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'net-project-'));
  await writeFile(join(folder, 'package.json'), '{}');
  return {
    folder,
    async link(...names) {
      for (const name of names) {
        const link = join(folder, 'node_modules', name);
        await mkdir(dirname(link), { recursive: true });
        await symlink(join(ROOT, 'node_modules', name), link);
      }
    },
    write: async (file, content) => writeFile(join(folder, file), content),
    run: async (command, ...args) => run(folder, command, args),
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true }),
  };
}

/** @returns what it printed; rejects, with it, when the command fails */
export async function run(cwd: string, command: string, args: readonly string[]): Promise<string> {
  // What vitest and node:test tell their children is not for the test runs in there.
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, VITEST: ___, ...inherited } = process.env;
  const env = { ...inherited, NO_COLOR: '1', FORCE_COLOR: undefined, NO_PROXY: '127.0.0.1' };
  try {
    const { stdout } = await execute(command, args, { cwd, env, timeout: 120_000 });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed: ${stdout}${stderr}`, { cause: error });
  }
}
