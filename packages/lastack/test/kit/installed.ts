import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Debian's PATH of ordinary users lacks the folders of ip, ss and nft. */
export const SEARCH_PATH = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`;

/** The environment of every program that the kit starts. */
export const PROGRAM_ENV: NodeJS.ProcessEnv = { ...process.env, PATH: SEARCH_PATH };

const found = new Map<string, string | null>();

/** Every place where a program of that name is installed, in the order of PATH. */
function placesOf(program: string): string[] {
  return [...new Set(SEARCH_PATH.split(':'))]
    .map((folder) => join(folder, program))
    .filter((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export function isInstalled(program: string): boolean {
  return placesOf(program).length > 0;
}

export type PythonVersion = 'python3' | 'python2.7';

/**
 * The interpreter itself, not a version manager's wrapper: a wrapper starts slowly and may refuse to run.
 * @returns its path, or null where there is none that runs
 */
export function findPython(version: PythonVersion, uid?: number): string | null {
  const key = `${version} ${uid ?? ''}`;
  let path = found.get(key);
  if (path === undefined) {
    path = lookForPython(version, uid);
    found.set(key, path);
  }
  return path;
}

function lookForPython(version: PythonVersion, uid: number | undefined): string | null {
  for (const place of placesOf(version)) {
    for (const selected of [undefined, ...selectableBy(place)]) {
      const path = askForExecutable(place, selected);
      if (path !== null && (uid === undefined || runsAs(path, uid))) return path;
    }
  }
  return null;
}

/** The versions that a pyenv wrapper can be told to run. */
function selectableBy(place: string): string[] {
  if (!place.includes('/shims/')) return [];
  const list = tryRun('pyenv', ['versions', '--bare'], PROGRAM_ENV);
  return list?.split('\n').filter((name) => name !== '') ?? [];
}

function askForExecutable(place: string, selected: string | undefined): string | null {
  const env = selected === undefined ? PROGRAM_ENV : { ...PROGRAM_ENV, PYENV_VERSION: selected };
  return tryRun(place, ['-c', 'import sys; print(sys.executable)'], env)?.trim() || null;
}

function runsAs(path: string, uid: number): boolean {
  // setpriv itself still executes with root's privileges, so a shell of that user must do it.
  const identity = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  const command = ['sh', '-c', '"$0" -c "import socket"', path];
  return tryRun('setpriv', [...identity, ...command], PROGRAM_ENV) !== null;
}

function tryRun(command: string, args: readonly string[], env: NodeJS.ProcessEnv): string | null {
  try {
    return execFileSync(command, args, {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10_000,
    });
  } catch {
    return null;
  }
}
