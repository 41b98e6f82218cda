import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** What of the repository `npm pack` and its prepack script need. */
const SOURCES = [
  'package.json',
  'tsconfig.base.json',
  'LICENSE',
  'scripts',
  'packages/net/package.json',
  'packages/net/README.md',
  'packages/net/tsconfig.json',
  'packages/net/tsconfig.build.json',
  'packages/net/src',
];

/** The package's tarball, packed from a copy of the repository, so that nobody sees a build that is half done. */
export interface PackedPackage extends AsyncDisposable {
  readonly tarball: string;
  /** The files in it. */
  readonly files: readonly string[];
}

export async function packPackage(): Promise<PackedPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'net-pack-'));
  const copy = join(folder, 'repository');
  for (const path of SOURCES) await cp(join(ROOT, path), join(copy, path), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const packed = await npm(join(copy, 'packages/net'), 'pack', '--json');
  // The prepack script prints, too.
  const [{ filename, files }] = JSON.parse(packed.slice(packed.lastIndexOf('\n[') + 1)) as [
    { filename: string; files: { path: string }[] },
  ];
  return {
    tarball: join(copy, 'packages/net', filename),
    files: files.map(({ path }) => path),
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true }),
  };
}

/** A folder in which the tarball was installed, and nothing else. */
export interface Project extends AsyncDisposable {
  readonly folder: string;
  /** Makes a package of the repository's own node_modules available. */
  link(name: string): Promise<void>;
  write(file: string, content: string): Promise<void>;
  /** Runs a command to its end. @returns what it printed; rejects, with it, when the command fails */
  run(command: string, ...args: readonly string[]): Promise<string>;
}

export async function installPackage(tarball: string): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'net-install-'));
  await writeFile(join(folder, 'package.json'), '{}');
  await npm(folder, 'install', '--offline', '--no-audit', '--no-fund', tarball);
  return {
    folder,
    async link(name) {
      const link = join(folder, 'node_modules', name);
      await mkdir(dirname(link), { recursive: true });
      await symlink(join(ROOT, 'node_modules', name), link);
    },
    write: async (file, content) => writeFile(join(folder, file), content),
    run: async (command, ...args) => call(folder, command, args),
    [Symbol.asyncDispose]: async () => rm(folder, { recursive: true }),
  };
}

/** TypeScript's compiler, as an argument of node. */
export const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  // Its cache is in the folder: an ordinary user may have no home.
  return call(cwd, 'npm', [...args, '--cache', join(cwd, '.npm-cache')]);
}

async function call(cwd: string, command: string, args: readonly string[]): Promise<string> {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, VITEST: ___, ...env } = process.env;
  try {
    const { stdout } = await run(command, args, { cwd, env, timeout: 120_000 });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed: ${stdout}${stderr}`, { cause: error });
  }
}
