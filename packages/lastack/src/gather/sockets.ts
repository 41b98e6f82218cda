import { readFileSync, statSync } from 'node:fs';
import {
  SocketTableBuilder,
  joinInfo,
  maskOfStates,
  seen,
  unavailable,
  type NetnsSight,
  type Observation,
  type SocketSight,
  type SocketTable,
} from '@lastack/core';
import { loadLibc, type Libc } from '../kernel/ffi.ts';
import { KernelError } from '../kernel/kernel-error.ts';
import { inNetns } from '../kernel/netns.ts';
import { listNetns, type Netns } from '../kernel/netns-list.ts';
import { SockDiag } from '../kernel/netlink/sock-diag.ts';
import { rootRemedy } from '../kernel/root-remedy.ts';
import { readSocketText } from '../kernel/procfs/socket-text.ts';

/** `own`, `all`, or a pid, a name of /run/netns or a path to a namespace file. */
export type NetnsChoice = string;

export interface SocketQuery {
  /** Bit n asks for kernel state n. */
  readonly states: number;
  /** INET_DIAG_BC program that the kernel runs on each socket. */
  readonly bytecode?: Uint8Array | null;
  /** For which rows to read tcp_info: `closing` are those whose age it tells (CLOSE-WAIT, FIN-WAIT-2). */
  readonly info: 'all' | 'closing' | 'none';
  readonly netns: NetnsChoice;
}

export interface SocketsRead extends Pick<SocketSight, 'netns' | 'method'> {
  readonly table: SocketTable;
  /** Why sock_diag was not used; null when it was. */
  readonly methodReason: string | null;
}

const OWN = '/proc/self/ns/net';
const CLOSING = maskOfStates(['CLOSE-WAIT', 'FIN-WAIT-2']);

/** The TCP sockets of the chosen network namespaces, through sock_diag, or as text where that is refused. */
export function readSockets(query: SocketQuery): Observation<SocketsRead> {
  const chosen = chooseNetns(query.netns);
  if (chosen.kind === 'unavailable') return chosen;
  const libc = loadLibc();
  if (libc.kind === 'unavailable') return readText(chosen.value, libc.reason);
  try {
    const { table, netns } = dumpAll(libc.value, query, chosen.value);
    const [only] = netns;
    if (netns.length === 1 && only.problem !== null) {
      return unavailable(only.problem.reason, only.problem.remedy);
    }
    return seen({ table, netns, method: 'sock_diag', methodReason: null });
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return readText(chosen.value, error.message);
  }
}

interface Chosen {
  readonly namespaces: readonly Netns[];
  readonly problems: readonly NetnsSight[];
}

function dumpAll(libc: Libc, query: SocketQuery, { namespaces, problems }: Chosen) {
  const { states, bytecode = null } = query;
  const withInfo = query.info === 'all';
  const table = new SocketTableBuilder(expectedRows(), withInfo);
  const informed = new SocketTableBuilder(0, true);
  const sights: NetnsSight[] = [...problems];
  for (const netns of namespaces) {
    const opened = netns.isOwn
      ? seen(new SockDiag(libc))
      : inNetns(libc, netns.path, () => new SockDiag(libc));
    sights.push(sightOf(netns, opened));
    if (opened.kind === 'unavailable') continue;
    using diag = opened.value;
    diag.dump({ states, bytecode, info: withInfo }, netns.inode, table);
    // A dump of few states costs a tenth of one of all; it is read for its tcp_info only.
    if (query.info === 'closing' && holdsState(table, states & CLOSING)) {
      diag.dump({ states: states & CLOSING, bytecode, info: true }, netns.inode, informed);
    }
  }
  return { table: informed.count === 0 ? table : joinInfo(table, informed), netns: sights };
}

function holdsState({ count, head }: SocketTable, mask: number): boolean {
  for (let row = 0; row < count; row++) {
    if (((1 << ((head[row] >>> 8) & 0xff)) & mask) !== 0) return true;
  }
  return false;
}

function readText(
  { namespaces, problems }: Chosen,
  methodReason: string,
): Observation<SocketsRead> {
  const [first, ...others] = namespaces;
  // The text files of one namespace at a time are enough for a fallback; the others are said to be unseen.
  const table = readSocketText(first.isOwn ? '/proc/net' : `/proc/${first.pid}/net`, first.inode);
  if (table.kind === 'unavailable') return table;
  const unseen = others.map((netns) =>
    sightOf(
      netns,
      unavailable(
        `only one network namespace is read as text (${methodReason})`,
        'allow sock_diag',
      ),
    ),
  );
  const netns = [sightOf(first, table), ...unseen, ...problems];
  return seen({ table: table.value, netns, method: 'procfs', methodReason });
}

function sightOf({ inode, isOwn, name }: Netns, read: Observation<unknown>): NetnsSight {
  return { inode, isOwn, name, problem: read.kind === 'unavailable' ? read : null };
}

function chooseNetns(choice: NetnsChoice): Observation<Chosen> {
  if (choice === 'own') {
    // The others need not be looked for: that would read a link of every process.
    const own = statNetns(OWN);
    if (typeof own === 'string') {
      return unavailable(`cannot read ${OWN}: ${own}`, 'mount procfs at /proc');
    }
    const netns = { inode: own.inode, path: OWN, pid: process.pid, name: null, isOwn: true };
    return seen({ namespaces: [netns], problems: [] });
  }
  const list = listNetns();
  if (list.kind === 'unavailable') return list;
  const { namespaces, unreadable } = list.value;
  if (choice === 'all') {
    return seen({
      namespaces,
      problems: unreadable.map((problem) => ({ inode: 0, isOwn: false, name: null, problem })),
    });
  }
  const path = netnsPathOf(choice);
  const file = statNetns(path);
  if (typeof file === 'string') {
    return file === 'EACCES' || file === 'EPERM'
      ? unavailable(`permission denied reading ${path}`, rootRemedy())
      : unavailable(
          `there is no network namespace ${choice}`,
          'give a pid, a name of `ip netns list`, a path, or `all`',
        );
  }
  const { inode } = file;
  const chosen = namespaces.find((netns) => netns.inode === inode);
  return seen({
    namespaces: [chosen ?? { inode, path, pid: null, name: null, isOwn: false }],
    problems: [],
  });
}

/** What to open to enter a chosen namespace. */
export function netnsPathOf(choice: string): string {
  if (/^\d+$/.test(choice)) return `/proc/${choice}/ns/net`;
  return choice.includes('/') ? choice : `/run/netns/${choice}`;
}

/** Whether a chosen namespace is the one that we are in, so that it need not be entered. */
export function isOwnNetns(choice: NetnsChoice): boolean {
  const [own, chosen] = [statNetns(OWN), statNetns(netnsPathOf(choice))];
  return typeof own !== 'string' && typeof chosen !== 'string' && own.inode === chosen.inode;
}

/** The namespace that a file stands for, or the error code; a file on another file system than ours stands for none. */
function statNetns(path: string): { readonly inode: number } | string {
  try {
    const { dev, ino } = statSync(path);
    return dev === statSync(OWN).dev ? { inode: ino } : 'ENOENT';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

/** How many sockets the kernel counts, with some room: growing columns of 200,000 rows would copy megabytes. */
function expectedRows(): number {
  try {
    const v4 = /^TCP: inuse (\d+) orphan \d+ tw (\d+)/m.exec(
      readFileSync('/proc/self/net/sockstat', 'latin1'),
    );
    const v6 = /^TCP6: inuse (\d+)/m.exec(readFileSync('/proc/self/net/sockstat6', 'latin1'));
    const known = Number(v4?.[1] ?? 0) + Number(v4?.[2] ?? 0) + Number(v6?.[1] ?? 0);
    return Math.ceil(known * 1.02) + 1024;
  } catch {
    return 4096;
  }
}
