import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { readProcText } from '../../kernel/procfs/read-proc.ts';
import { USER_HZ } from '../../kernel/procfs/stat.ts';
import { definitionLine } from './definition-line.ts';

const LONGEST_SOURCE = 8 << 20;

/**
 * The line on which a module binds a global variable, as its source file has it.
 * @param process `/proc/PID`; the file is sought within the root of that process
 * @param file absolute
 * @param startedMs since the epoch: a file that was changed since is not what the process runs
 * @returns null where the file cannot be read, has changed, or does not bind it plainly
 */
export function readDefinition(
  process: string,
  file: string,
  name: string,
  startedMs: number,
): number | null {
  let fd = -1;
  try {
    fd = openSync(`${process}/root${file}`, 'r');
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > LONGEST_SOURCE || stat.mtimeMs > startedMs) return null;
    const bytes = Buffer.alloc(stat.size);
    return definitionLine(bytes.toString('utf8', 0, readSync(fd, bytes)), name);
  } catch {
    // Without its source the holder still has a name, and the notes say it.
    return null;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/**
 * When a process started, ms since the epoch.
 * @param startTicks of its stat
 */
export function readStartTime(root: string, startTicks: number): number | null {
  const stat = readProcText(`${root}/stat`);
  const boot = stat.kind === 'ok' ? /^btime (\d+)$/m.exec(stat.value)?.[1] : undefined;
  // btime is cut to a second.
  return boot === undefined ? null : (Number(boot) + 1 + startTicks / USER_HZ) * 1000;
}
