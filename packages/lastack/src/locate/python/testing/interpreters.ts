import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';

/** A Python that is installed here. */
export interface Interpreter {
  readonly path: string;
  /** `3.11` */
  readonly version: string;
  /** `3.11.7 of /home/me/.pyenv/versions/3.11.7/bin` */
  readonly title: string;
}

/** Those that lastack reads. */
export const VERSIONS = ['3.8', '3.9', '3.10', '3.11', '3.12', '3.13'];

/** Every interpreter of pyenv, of the system and of the PATH, each once, in the order of their versions. */
export const INTERPRETERS: readonly Interpreter[] = [...new Set(places())]
  .flatMap(ask)
  .toSorted((a, b) => a.version.localeCompare(b.version, 'en', { numeric: true }));

/** The interpreter of a version; where there is none, the test is skipped. */
export function interpreterOf(version: string, ctx: TestContext): Interpreter {
  return (
    INTERPRETERS.find((each) => each.version === version) ??
    ctx.skip(`CPython ${version} is not installed`)
  );
}

/** The versions of `VERSIONS` that are missing, for a test that is skipped in their place. */
export const MISSING = VERSIONS.filter(
  (version) => !INTERPRETERS.some((each) => each.version === version),
);

function places(): string[] {
  const pyenv = join(process.env['PYENV_ROOT'] ?? join(homedir(), '.pyenv'), 'versions');
  const folders = [
    '/usr/bin',
    '/usr/local/bin',
    ...(existsSync(pyenv) ? readdirSync(pyenv).map((name) => join(pyenv, name, 'bin')) : []),
  ];
  const onPath = run('python3', 'import sys; print(sys.executable)');
  return [
    ...folders.flatMap((folder) =>
      existsSync(folder)
        ? readdirSync(folder)
            .filter((name) => /^python[23]\.\d+$/.test(name))
            .map((name) => realpathSync(join(folder, name)))
        : [],
    ),
    ...(onPath === null ? [] : [realpathSync(onPath.trim())]),
  ];
}

function ask(path: string): Interpreter[] {
  // Python 2 prints a tuple.
  const exact = run(path, "import platform; print(platform.python_version(), '')");
  const version = /(\d+\.\d+)\.\d+/.exec(exact ?? '');
  return version === null
    ? []
    : [{ path, version: version[1], title: `${version[0]} of ${join(path, '..')}` }];
}

/** What a program prints; null where the interpreter does not run. */
function run(python: string, program: string): string | null {
  try {
    return execFileSync(python, ['-c', program], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 20_000,
    });
  } catch {
    return null;
  }
}
