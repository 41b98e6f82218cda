import type { ProcessFacts, Runtime } from '../evidence/process-facts.ts';
import type { OwnerTable } from '../socket/owners.ts';
import type { Finding, FindingOwner, Fix, FixStep } from '../finding/finding.ts';
import { ageOf } from '../socket/age.ts';
import { NO_OWNER, type OwnerIndex } from '../socket/owner-index.ts';
import { kernelStateOf, localPortOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';
import { KERNEL_STATE } from '../tcp/state.ts';
import { describeHolders, holdersOf } from './holders.ts';
import { listenersOf } from './listeners.ts';
import { countPeers } from './peers.ts';
import { oldestOf } from './rows.ts';
import { defineRule, type Occasion } from './rule.ts';
import { finTimeoutOf } from './settings.ts';
import { severityByCount } from './severity.ts';
import { isBusy, isReceiving, isSending, isWatching, threadsOf } from './threads.ts';
import { counted } from './wording.ts';

/** A socket on its way from process to process is with both for an instant; one that was quiet for so long is not. */
const PATIENCE_MS = 3000;
/** What two processes held at both ends of a window this long was not on its way. */
const SHORTEST_WATCH_MS = 900;
/** The highest of the standard descriptors: a socket there was handed over on purpose (inetd, CGI). */
const STANDARD_ERROR = 2;

/** A connection and the processes that hold it, each once. */
interface Held {
  readonly row: number;
  readonly pids: readonly number[];
  readonly fds: readonly number[];
}

interface Sight {
  readonly table: SocketTable;
  readonly owners: OwnerIndex;
  readonly processes: ReadonlyMap<number, ProcessFacts> | null;
  /** Whether a process listens on the local port of a row. */
  readonly listens: (pid: number, row: number) => boolean;
}

/**
 * Connections that a process got by fork or exec beside, or instead of, the one that uses them: a close sends no FIN as
 * long as another descriptor refers to the socket.
 */
export const inheritedSocket = defineRule({
  id: 'inherited-socket',
  needs: ['sockets', 'owners'],
  uses: ['processes', 'settings'],
  find({ sockets, owners, processes, settings }, occasion) {
    const table = sockets.last;
    const sight = { table, owners, processes, listens: listensOf(table, owners) };
    const suspects = suspectsOf(sight);
    const before = heldBefore(suspects, table, occasion);
    const context = { finTimeoutMs: finTimeoutOf(settings) };
    const quietFor = (row: number) => ageOf(table, row, context);
    const byRoot = new Map<number, Held[]>();
    for (const held of suspects) {
      const { row } = held;
      const pids = stayingPids(held, before, quietFor(row).minMs, processes);
      if (pids === null || !isFault({ ...held, pids }, sight)) continue;
      const root = rootOf(pids, processes);
      const group = byRoot.get(root);
      if (group === undefined) byRoot.set(root, [{ ...held, pids }]);
      else group.push({ ...held, pids });
    }
    return [...byRoot].map(([root, group]): Finding => {
      const rows = group.map(({ row }) => row);
      const pids = new Set(group.flatMap((held) => held.pids));
      const holders = holdersOf(rows, table, owners, processes).filter(({ pid }) => pids.has(pid));
      const isShared = group.some((held) => held.pids.length > 1);
      const who = describeHolders({ owners: holders, rows }, table);
      const ages = rows.map((row) => ({ ...quietFor(row), exact: false, maxMs: null }));
      return {
        rule: 'inherited-socket',
        severity: severityByCount(rows.length),
        title: isShared
          ? `${who} share ${counted(rows.length, 'connection')}: a close by one of them ends nothing`
          : `${who} ${holders.length === 1 ? 'holds' : 'hold'} ${counted(rows.length, 'connection')} inherited from a parent and not used`,
        why: whyOf(holders, isShared, processes),
        cause: null,
        sockets: rows.length,
        oldest: oldestOf(ages),
        owners: holders,
        peers: countPeers(rows, table),
        growth: null,
        forecast: null,
        fix: fixFor(processes?.get(root)?.runtime),
        rows,
      };
    });
  },
});

/** Connections with several holders, and those whose only holder is the child of a listener of their port. */
function suspectsOf({ table, owners, processes, listens }: Sight): Held[] {
  const held: Held[] = [];
  const { pid, fd } = owners.table;
  for (let row = 0; row < table.count; row++) {
    const inode = table.inode[row];
    if (inode === 0 || kernelStateOf(table, row) === KERNEL_STATE.LISTEN) continue;
    const first = owners.firstOwner(inode);
    if (first === NO_OWNER) continue;
    let isShared = false;
    for (let at = owners.nextOwner(first); at !== NO_OWNER; at = owners.nextOwner(at)) {
      if (pid[at] !== pid[first]) isShared = true;
    }
    const parent = isShared ? undefined : processes?.get(pid[first])?.parentPid;
    if (!isShared && (parent === undefined || !listens(parent, row))) continue;
    const all = [...owners.ownersOf(inode)];
    held.push({ row, pids: [...new Set(all.map((at) => pid[at]))], fds: all.map((at) => fd[at]) });
  }
  return held;
}

/** Which of the holders keep the socket, rather than pass it on; null when fewer than now do. */
function stayingPids(
  { row, pids }: Held,
  before: ReadonlyMap<number, ReadonlySet<number>> | null,
  quietMs: number,
  processes: ReadonlyMap<number, ProcessFacts> | null,
): readonly number[] | null {
  // Between fork and exec a child has all of its parent's descriptors for a moment; then it, or they, are gone.
  const staying = pids.filter((pid) =>
    before === null
      ? quietMs >= PATIENCE_MS && (processes === null || processes.has(pid))
      : before.get(row)?.has(pid) === true,
  );
  return staying.length > 1 || (staying.length === 1 && pids.length === 1) ? staying : null;
}

/** Who held the rows at the first look; null when there was none, or too short a time ago. */
function heldBefore(
  suspects: readonly Held[],
  table: SocketTable,
  { firstOwners, windowMs }: Occasion,
): ReadonlyMap<number, ReadonlySet<number>> | null {
  if (!firstOwners || windowMs < SHORTEST_WATCH_MS) return null;
  const pidsOfRow = new Map(suspects.map(({ row }) => [row, new Set<number>()]));
  const pidsOfInode = new Map(
    suspects.map(({ row }) => [table.inode[row], pidsOfRow.get(row)] as const),
  );
  addHolders(pidsOfInode, firstOwners);
  return pidsOfRow;
}

function addHolders(
  pidsOfInode: ReadonlyMap<number, Set<number> | undefined>,
  owners: OwnerTable,
): void {
  if (pidsOfInode.size === 0) return;
  for (let at = 0; at < owners.count; at++) {
    pidsOfInode.get(owners.inode[at])?.add(owners.pid[at]);
  }
}

function isFault(held: Held, sight: Sight): boolean {
  return held.pids.length > 1 ? isSharedByMistake(held, sight) : isUnusedByHeir(held, sight);
}

/**
 * Programs that split themselves for privilege separation (sshd, vsftpd) share an accepted connection on purpose: none of
 * the sharers listens, and they are of one program or of different users.
 */
function isSharedByMistake({ row, pids, fds }: Held, sight: Sight): boolean {
  if (pids.some((pid) => sight.listens(pid, row))) return true;
  if (fds.some((fd) => fd <= STANDARD_ERROR)) return false;
  if (!listenersOf(sight.table).isServed(row)) return true;
  const facts = pids.map((pid) => sight.processes?.get(pid));
  const [first] = facts;
  return (
    first !== undefined &&
    facts.every((other) => other?.uid === first.uid) &&
    facts.some((other) => other !== undefined && areDifferent(first, other))
  );
}

/** A command that a server has started does not serve its connections if no thread of it waits for one. */
function isUnusedByHeir({ row, pids: [pid], fds }: Held, { processes, listens }: Sight): boolean {
  const facts = processes?.get(pid);
  const parent = facts === undefined ? undefined : processes?.get(facts.parentPid);
  if (facts === undefined || parent === undefined || listens(pid, row)) return false;
  if (!areDifferent(facts, parent) || fds.some((fd) => fd <= STANDARD_ERROR)) return false;
  const threads = threadsOf(facts);
  const areSeen = facts.threads.kind === 'ok' && facts.threads.value.callsHidden === null;
  return (
    areSeen &&
    threads.length > 0 &&
    threads.every((thread) => {
      const runs = isBusy(thread) || thread.running * 2 > thread.samples;
      return !runs && !isWatching(thread) && !isSending(thread) && !isReceivingFromSocket(thread);
    })
  );
}

function isReceivingFromSocket(thread: Parameters<typeof isReceiving>[0]): boolean {
  return isReceiving(thread) && thread.calls[0]?.target?.startsWith('socket:') !== false;
}

/** Two programs, as far as their executables tell. */
function areDifferent(one: ProcessFacts, other: ProcessFacts): boolean {
  return (
    one.executable.kind === 'ok' &&
    other.executable.kind === 'ok' &&
    one.executable.value !== other.executable.value
  );
}

function listensOf(table: SocketTable, owners: OwnerIndex): Sight['listens'] {
  const keyOf = (row: number) => table.netns[row] * 65_536 + localPortOf(table, row);
  const portsOfPid = new Map<number, Set<number>>();
  for (const row of listenersOf(table).rows) {
    for (const at of owners.ownersOf(table.inode[row])) {
      const pid = owners.table.pid[at];
      const ports = portsOfPid.get(pid);
      if (ports === undefined) portsOfPid.set(pid, new Set([keyOf(row)]));
      else ports.add(keyOf(row));
    }
  }
  return (pid, row) => portsOfPid.get(pid)?.has(keyOf(row)) === true;
}

/** The holder that no other holder has started; of a sole heir its parent, so that all its heirs are one finding. */
function rootOf(
  pids: readonly number[],
  processes: ReadonlyMap<number, ProcessFacts> | null,
): number {
  if (pids.length === 1) return processes?.get(pids[0])?.parentPid ?? pids[0];
  const ordered = pids.toSorted((a, b) => a - b);
  return ordered.find((pid) => !pids.includes(processes?.get(pid)?.parentPid ?? 0)) ?? ordered[0];
}

function whyOf(
  holders: readonly FindingOwner[],
  isShared: boolean,
  processes: ReadonlyMap<number, ProcessFacts> | null,
): string {
  const facts = holders.flatMap(({ pid }) => processes?.get(pid) ?? []);
  if (!isShared) {
    const [heir] = facts;
    const parent = processes?.get(heir.parentPid);
    return `the parent ${parent?.command} (pid ${heir.parentPid}) had the descriptors open without O_CLOEXEC when it started ${heir.command} by exec; the parent's close sends no FIN, so the peer waits until ${heir.command} ends`;
  }
  const execed = facts.find((child) => {
    const parent = facts.find(({ pid }) => pid === child.parentPid);
    return parent !== undefined && areDifferent(child, parent);
  });
  if (execed !== undefined) {
    return `${execed.command} (pid ${execed.pid}) was started by exec while the descriptors were open without O_CLOEXEC, so it holds them too; the kernel sends a FIN only when the last of the holders closes`;
  }
  return 'they were forked with the descriptors open and more than one kept its copy; the kernel sends a FIN only when the last of the holders closes';
}

/** The fault is made by whoever forked or started the others, whatever those are written in. */
function fixFor(runtime: Runtime = 'other'): Fix {
  const language = LANGUAGES[runtime];
  return language === null
    ? FIX
    : { ...FIX, steps: FIX.steps.filter((step) => step.language === language) };
}

const LANGUAGES: Readonly<Record<Runtime, FixStep['language'] | null>> = {
  node: 'Node',
  python: 'Python',
  go: 'Go',
  java: 'Java',
  other: null,
};

export const FIX: Fix = {
  summary:
    'after fork, close in each process what the other one serves; make descriptors close-on-exec before anything is started',
  steps: [
    {
      language: 'Node',
      text: "Node sets O_CLOEXEC itself: look at native addons, and at stdio: [..., socket] of spawn(); after subprocess.send('socket', socket) do not keep the handle (keepOpen)",
    },
    {
      language: 'Python',
      text: 'close the connection in the parent after os.fork(); leave close_fds=True in subprocess, no set_inheritable(True) or pass_fds; open pools after the fork (os.register_at_fork)',
    },
    {
      language: 'Go',
      text: 'net sets O_CLOEXEC itself: close what conn.File() returned, and put into cmd.ExtraFiles only what the child serves',
    },
    {
      language: 'Java',
      text: 'start commands with ProcessBuilder, which closes descriptors in the child; native code must open with SOCK_CLOEXEC and accept4()',
    },
  ],
  docs: 'docs/inherited-socket.md',
};
