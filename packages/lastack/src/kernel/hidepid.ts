import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UnreadableProcesses } from '@lastack/core';

/** What /proc's mount option hidepid does to the processes of other users: proc_pid_permission(), fs/proc/root.c. */
export type Hidepid = 'off' | 'noaccess' | 'invisible' | 'ptraceable';

const VALUES: Readonly<Record<string, Hidepid>> = {
  '0': 'off',
  off: 'off',
  '1': 'noaccess',
  noaccess: 'noaccess',
  '2': 'invisible',
  invisible: 'invisible',
  '4': 'ptraceable',
  ptraceable: 'ptraceable',
};

/**
 * The option of the procfs that is mounted at a path, from the text of /proc/self/mountinfo: proc_pid_mountinfo(5).
 * The last mount on a path covers those before it.
 */
export function parseHidepid(mountinfo: string, path: string): Hidepid {
  let hidepid: Hidepid = 'off';
  for (const line of mountinfo.split('\n')) {
    const [mount, filesystem] = line.split(' - ', 2);
    if (filesystem === undefined || mount.split(' ')[4] !== path) continue;
    const [type, , options = ''] = filesystem.split(' ');
    const value = /(?:^|,)hidepid=(\w+)/.exec(options)?.[1] ?? 'off';
    hidepid = type === 'proc' ? (VALUES[value] ?? 'off') : 'off';
  }
  return hidepid;
}

/** The processes that do not even show in the list, or null when all do. Root sees all. */
export function hiddenProcesses(
  proc: string,
  uid: number | undefined = process.geteuid?.(),
): UnreadableProcesses | null {
  if (uid === 0) return null;
  const hidepid = readHidepid(proc);
  if (hidepid !== 'invisible' && hidepid !== 'ptraceable') return null;
  return {
    count: null,
    reason: `${proc} is mounted with hidepid=${hidepid}: processes of other users are invisible`,
    remedy: 'run as root',
  };
}

function readHidepid(proc: string): Hidepid {
  try {
    return parseHidepid(readFileSync(join(proc, 'self/mountinfo'), 'utf8'), proc);
  } catch {
    return 'off';
  }
}
