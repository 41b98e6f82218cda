import { seen } from '@lastack/core';
import { readProcLink } from '../../kernel/procfs/read-proc.ts';
import type { Locator, SocketLocation } from '../locator.ts';
import { createdAt } from './created-at.ts';
import { readRecord } from './read-record.ts';
import { findRunFolder } from './run-folder.ts';
import { sourceReader } from './to-source.ts';

/** Where sockets were made, of a process that `lastack run` has started: nothing is asked of the process. */
export const locateRecorded: Locator = async ({ pid, fds }) => {
  const folder = findRunFolder(pid);
  if (folder.kind === 'unavailable') return folder;
  const toSource = sourceReader(`/proc/${pid}/root`);
  const locations: SocketLocation[] = [];
  for (const fd of fds) {
    const inode = inodeOf(pid, fd);
    const stack = inode === null ? null : readRecord(folder.value, { pid, fd, inode });
    if (stack === null) continue;
    locations.push({ ...createdAt(toSource(stack).own), fd });
  }
  const missing = fds.length - locations.length;
  return seen({
    locations,
    notes:
      missing === 0 ? [] : [`lastack run has no record of ${missing} of ${fds.length} sockets`],
  });
};

function inodeOf(pid: number, fd: number): number | null {
  const link = readProcLink(`/proc/${pid}/fd/${fd}`);
  const inode = link.kind === 'ok' ? /^socket:\[(\d+)\]$/.exec(link.value)?.[1] : undefined;
  return inode === undefined ? null : Number(inode);
}
