import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openProject, type Project, ROOT, run } from './project.ts';

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
export async function installPackage(tarball: string): Promise<Project> {
  const project = await openProject();
  await npm(project.folder, 'install', '--offline', '--no-audit', '--no-fund', tarball);
  return project;
}

/** TypeScript's compiler, as an argument of node. */
export const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

async function npm(cwd: string, ...args: readonly string[]): Promise<string> {
  // Its cache is in the folder: an ordinary user may have no home.
  return run(cwd, 'npm', [...args, '--cache', join(cwd, '.npm-cache')]);
}
