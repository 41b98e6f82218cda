import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const STDERR = 2;

/**
 * Whether a child of a process holds one of its sockets, as the workers of a server do that forks after listen(). False
 * where it cannot be seen (another user's process, or a kernel without CONFIG_PROC_CHILDREN). The standard streams do not
 * count: under systemd they are sockets, which every child has.
 */
export function sharesSockets(pid: number, proc = '/proc'): boolean {
  try {
    const tasks = join(proc, String(pid), 'task');
    const children = readdirSync(tasks).flatMap((task) => childrenOf(join(tasks, task)));
    if (children.length === 0) return false;
    const ours = new Set(socketsOf(join(proc, String(pid))));
    return children.some((child) =>
      socketsOf(join(proc, child)).some((socket) => ours.has(socket)),
    );
  } catch {
    return false;
  }
}

function childrenOf(task: string): string[] {
  try {
    return readFileSync(join(task, 'children'), 'latin1').split(' ').filter(Boolean);
  } catch {
    return [];
  }
}

function socketsOf(process: string): string[] {
  const folder = join(process, 'fd');
  return descriptorsIn(folder).flatMap((fd) => {
    if (Number(fd) <= STDERR) return [];
    try {
      const target = readlinkSync(join(folder, fd));
      return target.startsWith('socket:') ? [target] : [];
    } catch {
      return [];
    }
  });
}

function descriptorsIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
