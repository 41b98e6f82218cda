import * as fs from 'node:fs';
import { join } from 'node:path';
import { seen, unavailable, type Observation, type UnreadableProcesses } from '@lastack/core';
import { rootRemedy } from './root-remedy.ts';
import { readContainerName } from './container.ts';
import { hiddenProcesses } from './hidepid.ts';
import { isKernelThread } from './kernel-thread.ts';

/** A network namespace, with a way into it. */
export interface Netns {
  readonly inode: number;
  /** What to open for setns(2): `/proc/PID/ns/net` or `/run/netns/NAME`. */
  readonly path: string;
  /** One process in it; null when only a mount keeps it. */
  readonly pid: number | null;
  /** Its name in /run/netns, else its container's name or id; null when it has none, and for our own. */
  readonly name: string | null;
  readonly isOwn: boolean;
}

export interface NetnsList {
  /** Our own is the first. */
  readonly namespaces: readonly Netns[];
  /** Processes that may be in namespaces which are not listed. */
  readonly unreadable: readonly UnreadableProcesses[];
}

export interface NetnsRoots {
  /** `/proc`. */
  readonly proc: string;
  /** `/run/netns`: where `ip netns add` mounts them. */
  readonly named: string;
}

/** The network namespaces of all processes, and those that ip-netns(8) keeps by name. */
export function listNetns(
  { proc, named }: NetnsRoots = { proc: '/proc', named: '/run/netns' },
): Observation<NetnsList> {
  const own = netnsOf(join(proc, 'self/ns/net'));
  if (typeof own === 'string') {
    return unavailable(`cannot read ${proc}/self/ns/net: ${own}`, `mount procfs at ${proc}`);
  }
  const names = readNames(named, join(proc, 'self/ns/net'));
  const found = new Map<number, Netns>();
  found.set(own, {
    inode: own,
    path: join(proc, 'self/ns/net'),
    pid: process.pid,
    name: null,
    isOwn: true,
  });
  let denied = 0;
  for (const pid of fs.readdirSync(proc).map(Number).filter(Number.isInteger)) {
    const path = join(proc, String(pid), 'ns/net');
    const inode = netnsOf(path);
    const isDenied = inode === 'EACCES' || inode === 'EPERM';
    if (isDenied && !isKernelThread(join(proc, String(pid)))) denied++;
    if (typeof inode === 'string' || found.has(inode)) continue;
    const name = names.get(inode)?.name ?? readContainerName(pid, proc);
    found.set(inode, { inode, path, pid, name, isOwn: false });
  }
  for (const [inode, { name, path }] of names) {
    if (!found.has(inode)) found.set(inode, { inode, path, pid: null, name, isOwn: false });
  }
  const hidden = hiddenProcesses(proc);
  const unreadable = [
    ...(denied === 0 ? [] : [describeDenied(proc, denied)]),
    ...(hidden === null ? [] : [hidden]),
  ];
  return seen({ namespaces: [...found.values()], unreadable });
}

/** The number in `net:[4026531833]`, or the error code. */
function netnsOf(path: string): number | string {
  try {
    const link = fs.readlinkSync(path);
    const inode = /^net:\[(\d+)\]$/.exec(link)?.[1];
    return inode === undefined ? `it says ${link}` : Number(inode);
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

function describeDenied(proc: string, count: number): UnreadableProcesses {
  const processes = count === 1 ? 'process' : 'processes';
  return {
    count,
    reason: `permission denied reading ${proc}/PID/ns/net of ${count} ${processes}`,
    remedy: rootRemedy(),
  };
}

/** Each file there is a mount of a namespace; one that is not mounted any more lies on another file system. */
function readNames(
  folder: string,
  own: string,
): ReadonlyMap<number, { name: string; path: string }> {
  const names = new Map<number, { name: string; path: string }>();
  try {
    const { dev } = fs.statSync(own);
    for (const name of fs.readdirSync(folder)) {
      const path = join(folder, name);
      const stat = fs.statSync(path, { throwIfNoEntry: false });
      if (stat?.dev === dev) names.set(stat.ino, { name, path });
    }
  } catch {
    // No folder: nobody has named one.
  }
  return names;
}
