import { setTimeout as pause } from 'node:timers/promises';
import { parseEpollFdinfo } from '../../kernel/procfs/epoll.ts';
import { listProcNumbers, readProcLink, readProcText } from '../../kernel/procfs/read-proc.ts';
import { parseSyscall } from '../../kernel/procfs/syscall-line.ts';
import { systemCallsOf } from '../../kernel/procfs/system-calls.ts';
import type { Listener } from './listeners.ts';

const EPOLL_LINK = 'anon_inode:[eventpoll]';
const LOOKS = 11;
const BETWEEN_MS = 10;

/**
 * The inspector that a Node process may have open, on whatever port: it listens in an event loop of its own, while the
 * program's ports are in the loop that the main thread waits in. A worker thread's port looks the same.
 * @param own its listening sockets
 * @returns null when there is none, several are possible, or the main thread does not come to wait in its loop within 100 ms
 */
export async function findInspector(
  pid: number,
  own: readonly Listener[],
): Promise<Listener | null> {
  for (let i = 0; own.length > 0 && i < LOOKS; i++) {
    if (i > 0) await pause(BETWEEN_MS);
    const found = lookForInspector(pid, own);
    if (found !== null) return found;
  }
  return null;
}

function lookForInspector(pid: number, own: readonly Listener[]): Listener | null {
  const text = readProcText(`/proc/${pid}/task/${pid}/syscall`);
  const now = text.kind === 'ok' ? parseSyscall(text.value, systemCallsOf(process.arch)) : text;
  const waited = now.kind === 'ok' && now.value.kind === 'call' ? now.value.fd : null;
  const listed = listProcNumbers(`/proc/${pid}/fd`);
  const links = new Map<number, string>();
  for (const fd of listed.kind === 'ok' ? listed.value : []) {
    const link = readProcLink(`/proc/${pid}/fd/${fd}`);
    if (link.kind === 'ok') links.set(fd, link.value);
  }
  if (waited === null || links.get(waited) !== EPOLL_LINK) return null;
  const elsewhere = new Set(
    [...links]
      .filter(([fd, link]) => link === EPOLL_LINK && fd !== waited)
      .flatMap(([fd]) => watchedBy(pid, fd))
      .map((fd) => links.get(fd)),
  );
  const candidates = own.filter(({ inode }) => elsewhere.has(`socket:[${inode}]`));
  return candidates.length === 1 ? candidates[0] : null;
}

function watchedBy(pid: number, epoll: number): readonly number[] {
  const text = readProcText(`/proc/${pid}/fdinfo/${epoll}`);
  const targets = text.kind === 'ok' ? parseEpollFdinfo(text.value) : text;
  return targets.kind === 'ok' ? targets.value.map(({ fd }) => fd) : [];
}
