import { readProcLink } from '../kernel/procfs/read-proc.ts';
import type { Located } from './locator.ts';

/**
 * Looks for the lines of sockets that a process was seen with, and keeps what is true of a process that holds them before and
 * after: another process may have its number by now, another program may run in it, another socket may have the descriptor.
 * @param sockets inodes by descriptor
 */
export async function whileHeld(
  pid: number,
  sockets: ReadonlyMap<number, number>,
  locate: (fds: readonly number[]) => Promise<Located>,
): Promise<Located> {
  // A process in question without sockets: there is nothing to hold.
  if (sockets.size === 0) return locate([]);
  const before = stillHeld(pid, sockets);
  if (before.length === 0) return hasChanged(pid);
  const located = await locate(before);
  const after = new Set(stillHeld(pid, sockets));
  if (after.size === 0) return hasChanged(pid);
  const locations = located.locations.filter(({ fd }) => fd === null || after.has(fd));
  return { ...located, locations };
}

/** Descriptors whose links may not be read count as held. */
function stillHeld(pid: number, sockets: ReadonlyMap<number, number>): number[] {
  return [...sockets].flatMap(([fd, inode]) => {
    const link = readProcLink(`/proc/${pid}/fd/${fd}`);
    if (link.kind === 'gone') return [];
    return link.kind === 'unavailable' || link.value === `socket:[${inode}]` ? [fd] : [];
  });
}

function hasChanged(pid: number): Located {
  const note = `process ${pid} has ended, become another or closed these sockets since they were seen: run lastack again`;
  return { locations: [], notes: [note] };
}
