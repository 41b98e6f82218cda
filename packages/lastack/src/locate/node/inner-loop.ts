import { parseEpollFdinfo } from '../../kernel/procfs/epoll.ts';
import { listProcNumbers, readProcLink, readProcText } from '../../kernel/procfs/read-proc.ts';
import { parseSyscall } from '../../kernel/procfs/syscall-line.ts';
import type { SystemCallTable } from '../../kernel/procfs/system-calls.ts';

const EPOLL_LINK = 'anon_inode:[eventpoll]';

/**
 * Whether the main thread waits in an event loop that was made later than one with sockets which stands still: execSync() and
 * spawnSync() wait for their child so. It would take a signal when the child has ended, when nobody waits for its inspector any
 * more. The loop of a worker that is busy stands still, too, but that one was made later.
 * @param waited the epoll descriptor that the main thread waits in
 */
export function isInInnerLoop(pid: number, waited: number, table: SystemCallTable): boolean {
  const earlier = numbersIn(`/proc/${pid}/fd`).filter(
    (fd) => fd < waited && linkOf(pid, fd) === EPOLL_LINK && watchesSocket(pid, fd),
  );
  if (earlier.length === 0) return false;
  const served = new Set(
    numbersIn(`/proc/${pid}/task`).map((tid) => {
      const text = readProcText(`/proc/${pid}/task/${tid}/syscall`);
      const now = text.kind === 'ok' ? parseSyscall(text.value, table) : text;
      return now.kind === 'ok' && now.value.kind === 'call' ? now.value.fd : null;
    }),
  );
  return earlier.some((fd) => !served.has(fd));
}

function watchesSocket(pid: number, epoll: number): boolean {
  const text = readProcText(`/proc/${pid}/fdinfo/${epoll}`);
  const targets = text.kind === 'ok' ? parseEpollFdinfo(text.value) : text;
  return (
    targets.kind === 'ok' && targets.value.some(({ fd }) => linkOf(pid, fd)?.startsWith('socket:'))
  );
}

function linkOf(pid: number, fd: number): string | null {
  const link = readProcLink(`/proc/${pid}/fd/${fd}`);
  return link.kind === 'ok' ? link.value : null;
}

function numbersIn(folder: string): readonly number[] {
  const numbers = listProcNumbers(folder);
  return numbers.kind === 'ok' ? numbers.value : [];
}
