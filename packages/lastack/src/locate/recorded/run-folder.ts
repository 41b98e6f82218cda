import { lstatSync, statSync } from 'node:fs';
import { seen, unavailable, type Observation } from '@lastack/core';
import { orEnded, readProcBytes } from '../../kernel/procfs/read-proc.ts';

const VARIABLE = 'LASTACK_RUN_DIR=';
const NOT_UNDER_RUN = 'start it with: lastack run -- COMMAND';

/** The folder in which the `lastack run` that a process was started by keeps its records. */
export function findRunFolder(pid: number, proc = '/proc'): Observation<string> {
  const read = orEnded(readProcBytes(`${proc}/${pid}/environ`), pid);
  if (read.kind === 'unavailable') return read;
  const folder = parseRunFolder(read.value.toString('utf8'));
  if (folder === null) {
    return unavailable(`pid ${pid} was not started by lastack run`, NOT_UNDER_RUN);
  }
  // As the process sees it: it may be in a container.
  return check(`${proc}/${pid}/root${folder}`, folder, ownerOf(`${proc}/${pid}`));
}

/** From the text of /proc/PID/environ: proc_pid_environ(5). */
export function parseRunFolder(environ: string): string | null {
  const entry = environ.split('\0').find((each) => each.startsWith(VARIABLE));
  const folder = entry?.slice(VARIABLE.length) ?? '';
  return folder.startsWith('/') && !/\p{Cc}/u.test(folder) ? folder : null;
}

/** The records are believed only where nobody but the process's user, root, or we can have written them. */
function check(path: string, folder: string, user: number | null): Observation<string> {
  try {
    const { mode, uid } = lstatSync(path);
    const isPrivate = (mode & 0o170077) === 0o040000;
    if (isPrivate && [user, 0, process.geteuid?.()].includes(uid)) return seen(path);
    return unavailable(
      `the records in ${folder} are not believed: others can write to it`,
      NOT_UNDER_RUN,
    );
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return code === 'ENOENT'
      ? unavailable(`the records in ${folder} are gone: its lastack run has ended`, NOT_UNDER_RUN)
      : unavailable(`cannot read the records in ${folder}: ${code}`, 'run as root');
  }
}

function ownerOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.uid ?? null;
}
