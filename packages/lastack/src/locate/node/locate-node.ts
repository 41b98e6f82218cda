import { seen, unavailable } from '@lastack/core';
import { readProcLink } from '../../kernel/procfs/read-proc.ts';
import type { Locator, SocketLocation } from '../locator.ts';
import { useInspector } from './inspector.ts';
import { lookAtMainThread } from './main-thread.ts';
import { isComputing } from './executing.ts';
import { openInspector } from './open-inspector.ts';
import { searchThread, type Search } from './search.ts';
import type { Session } from './session.ts';
import { useWorkers } from './workers.ts';

const IN_ALL_MS = 2000;

/**
 * Finds the lines of a Node process through its inspector: `handled`, `held`, and `executing` when it is busy. To be called
 * only when the user asked for it (`--attach`), and for one process at a time: the inspector is opened by SIGUSR1 where the
 * gate allows that, and closed again; one that was open stays open.
 *
 * @example
 * const located = await locateNode({ pid: 4121, fds: [23] });
 */
export const locateNode: Locator = async (target) => {
  const { pid, fds } = target;
  const before = readInodes(pid, fds);
  const inspector = await openInspector(pid);
  if (inspector.kind !== 'ok') return inspector;
  const search: Search = {
    locations: [],
    notes: new Set(),
    fds: new Set(),
    unreadAnswers: [],
  };
  const deadline = performance.now() + IN_ALL_MS;
  const note = (text: string): unknown => search.notes.add(text);
  const used = await useInspector(inspector.value, deadline, note, async (session) => {
    const { kind } = await lookAtMainThread(pid);
    const thread = 'the main thread';
    await searchThread(session, { target, isBusy: kind === 'busy', thread }, search);
    const missing = fds.filter((fd) => !search.fds.has(fd));
    if (missing.length > 0) await searchWorkers(session, deadline, pid, missing, search);
  });
  if (used.kind !== 'ok') {
    if (search.locations.length === 0) return unavailable(used.reason, used.remedy);
    note(`the search ended early: ${used.reason}`);
  }
  if (inspector.value.isOurs) {
    note(`process ${pid} has written lines about its debugger to stderr, because of --attach`);
  }
  const locations = withoutReused(search.locations, before, readInodes(pid, fds));
  return seen({ locations, notes: [...search.notes], unreadAnswers: search.unreadAnswers });
};

/** What the descriptors refer to: `socket:[8123]`. */
function readInodes(pid: number, fds: readonly number[]): ReadonlyMap<number, string> {
  const inodes = new Map<number, string>();
  for (const fd of fds) {
    const link = readProcLink(`/proc/${pid}/fd/${fd}`);
    if (link.kind === 'ok') inodes.set(fd, link.value);
  }
  return inodes;
}

/** A descriptor that was closed and given to another socket meanwhile: the lines may be of either. */
function withoutReused(
  locations: readonly SocketLocation[],
  before: ReadonlyMap<number, string>,
  after: ReadonlyMap<number, string>,
): readonly SocketLocation[] {
  return locations.filter(({ fd }) => {
    if (fd === null) return true;
    const now = after.get(fd);
    return now === undefined || now === before.get(fd);
  });
}

/** Worker threads have sockets of their own. */
async function searchWorkers(
  main: Session,
  deadline: number,
  pid: number,
  fds: readonly number[],
  search: Search,
): Promise<void> {
  await useWorkers(main, deadline, async (session) => {
    const options = { target: { pid, fds }, thread: 'a worker thread' };
    await searchThread(session, { ...options, isBusy: await isComputing(session) }, search);
  });
  const missing = fds.filter((fd) => !search.fds.has(fd));
  if (missing.length === 0) return;
  const which = missing.slice(0, 5).join(', ') + (missing.length > 5 ? ', …' : '');
  search.notes.add(
    `no open handle of process ${pid} has descriptor ${which}: it may be unref'd, or belong to native code`,
  );
}
