import {
  ALL_STATES_MASK,
  NO_OWNER,
  ageOf,
  compileBytecode,
  compilePredicate,
  counted,
  finTimeoutOf,
  indexOwners,
  needsOf,
  seen,
  type Filter,
  type Observation,
  type OwnerIndex,
  type OwnerTable,
  type SocketTable,
} from '@lastack/core';
import { readDeviceNames, readFinTimeoutMs, readPortNames } from '../gather/names.ts';
import { readRawDump } from '../gather/raw-dump.ts';
import { readSockets, type SocketsRead } from '../gather/sockets.ts';
import { loadLibc } from '../kernel/ffi.ts';
import type { RowView } from '../render/row-view.ts';
import { readFilter, withPosition } from './filter-argument.ts';
import { printError } from './output.ts';
import { readEvidence } from './replay-option.ts';
import { UserError } from './user-error.ts';

export interface SelectionOptions {
  readonly owners: boolean;
  /** Whether ages are wanted of all rows, though the filter may not ask for them. */
  readonly ages: boolean;
  readonly numeric: boolean;
  readonly netns: string;
  /** Whether a filter by holders is refused where some cannot be seen: `pid != 1` would hold for theirs. */
  readonly strict?: boolean;
  /** A record to read instead of the kernel. */
  readonly replay?: string | undefined;
}

/** The sockets that a filter selects, with what is needed to print them. */
export interface Selection {
  readonly table: SocketTable;
  readonly rows: Uint32Array;
  readonly view: RowView;
  /** What was not seen, or not seen the usual way, a line each. */
  readonly notes: readonly string[];
}

/** What was read, wherever it comes from. */
interface Listing {
  readonly sockets: SocketsRead;
  readonly owners: Observation<OwnerTable> | null;
  readonly finTimeoutMs: number;
  /** What remains of the filter to be tested here. */
  readonly residual: Filter;
}

const NONE = new Uint32Array(0);
const NOBODY: OwnerTable = {
  count: 0,
  pid: NONE,
  fd: NONE,
  inode: NONE,
  tcp: null,
  commands: new Map(),
  method: 'bpf',
  methodReason: null,
  unreadable: [],
};

/** @throws UserError */
export async function selectSockets(
  words: readonly string[],
  options: SelectionOptions,
): Promise<Selection> {
  const filter = readFilter(words);
  const text = words.join(' ');
  const { sockets, owners, finTimeoutMs, residual } = await withPosition(text, () =>
    look(filter, options),
  );
  if (owners?.kind === 'unavailable' && needsOf(filter).owners) {
    throw new UserError(
      `Cannot tell who holds the sockets: ${owners.reason}. To see it, ${owners.remedy}.`,
    );
  }
  const unreadable = owners?.kind === 'ok' ? owners.value.unreadable : [];
  if (options.strict === true && needsOf(filter).owners && unreadable.length > 0) {
    const [{ reason, remedy }] = unreadable;
    throw new UserError(`Cannot tell who holds every socket: ${reason}. To see it, ${remedy}.`);
  }
  const { table, netns } = sockets;
  const index = owners?.kind === 'ok' ? indexOwners(owners.value) : null;
  const names = new Map(netns.map(({ inode, name }) => [inode, name]));
  const view: RowView = {
    owners: options.owners ? index : null,
    age: { finTimeoutMs },
    portName: options.numeric ? () => null : readPortNames(),
    deviceName: readDeviceNames(),
    netnsName: netns.length > 1 ? (inode) => names.get(inode) ?? String(inode) : null,
  };
  const rows = withPosition(text, () => matchingRows(table, residual, index, view));
  const notes = notesOf(sockets, options.owners ? owners : null);
  const unseen = options.owners && index !== null ? countUnseen(table, rows, index) : 0;
  if (unseen > 0 && owners?.kind === 'ok' && owners.value.unreadable.length === 0) {
    notes.push(
      `${counted(unseen, 'socket')} (?) ${unseen === 1 ? 'has' : 'have'} a descriptor in a process that is not visible from here`,
    );
  }
  return { table, rows, view, notes };
}

function countUnseen(table: SocketTable, rows: Uint32Array, owners: OwnerIndex): number {
  const isUnseen = (row: number) =>
    table.inode[row] !== 0 && owners.firstOwner(table.inode[row]) === NO_OWNER;
  return rows.reduce((count, row) => count + (isUnseen(row) ? 1 : 0), 0);
}

/** Notes go to stderr: what was not seen must not look complete. */
export function printNotes(notes: readonly string[]): void {
  for (const note of notes) printError(`lastack: ${note}\n`);
}

async function look(filter: Filter, options: SelectionOptions): Promise<Listing> {
  const needs = needsOf(filter);
  const finTimeoutMs = readFinTimeoutMs();
  if (options.replay !== undefined) return replayed(options.replay, filter, finTimeoutMs);
  const { TCPDIAG_FILE: file = '' } = process.env;
  if (file !== '') {
    return { sockets: readRawDump(file), owners: null, finTimeoutMs, residual: filter };
  }
  const kernel = compileBytecode(filter);
  const wanted = options.owners || needs.owners;
  const findOwners = async () => {
    const { readOwners } = await import('../kernel/owners.ts');
    return readOwners({ libc: loadLibc() });
  };
  // Of all sockets the owners are looked up at once: the kernel reads descriptors in another thread while the sockets are
  // dumped in this one. A filter may leave none, and then nobody need be looked for.
  const isWhole = filter.states === null && filter.expression === null;
  const early = wanted && isWhole ? findOwners() : null;
  const sockets = readSockets({
    states: kernel.states,
    bytecode: kernel.bytecode,
    info: needs.age || options.ages ? 'all' : 'closing',
    netns: options.netns,
  });
  const hasRows = sockets.kind === 'ok' && sockets.value.table.count > 0;
  const seenOwners = await (early ?? (wanted && hasRows ? findOwners() : null));
  if (sockets.kind === 'unavailable') {
    throw new UserError(
      `Cannot read TCP sockets: ${sockets.reason}. To see them, ${sockets.remedy}.`,
    );
  }
  const asked = sockets.value.method === 'sock_diag';
  return {
    sockets: sockets.value,
    owners: seenOwners ?? (wanted ? seen(NOBODY) : null),
    finTimeoutMs,
    residual: asked ? kernel.residual : filter,
  };
}

async function replayed(path: string, filter: Filter, fallbackMs: number): Promise<Listing> {
  const { sockets, owners, settings } = await readEvidence(path);
  if (sockets.kind === 'unavailable') {
    throw new UserError(
      `${path} holds no sockets: ${sockets.reason}. Record again: ${sockets.remedy}.`,
    );
  }
  const { last, netns, method } = sockets.value;
  return {
    sockets: { table: last, netns, method, methodReason: null },
    owners,
    finTimeoutMs: settings.kind === 'ok' ? finTimeoutOf(settings.value) : fallbackMs,
    residual: filter,
  };
}

function matchingRows(
  table: SocketTable,
  filter: Filter,
  owners: OwnerIndex | null,
  view: RowView,
): Uint32Array {
  const rows = new Uint32Array(table.count);
  if (filter.expression === null && (filter.states ?? ALL_STATES_MASK) === ALL_STATES_MASK) {
    return rows.map((_, row) => row);
  }
  const matches = compilePredicate(filter, {
    ownersOf: (inode) => holdersOf(inode, owners),
    ageOf: (table, row) => ageOf(table, row, view.age),
  });
  let count = 0;
  for (let row = 0; row < table.count; row++) if (matches(table, row)) rows[count++] = row;
  return rows.subarray(0, count);
}

function* holdersOf(inode: number, owners: OwnerIndex | null) {
  if (owners === null || inode === 0) return;
  for (const owner of owners.ownersOf(inode)) {
    const pid = owners.table.pid[owner];
    yield { pid, command: owners.table.commands.get(pid) ?? '?' };
  }
}

function notesOf(sockets: SocketsRead, owners: Observation<OwnerTable> | null): string[] {
  const notes = new Set<string>();
  if (sockets.methodReason !== null) {
    notes.add(
      `sockets are read from ${sockets.method === 'procfs' ? '/proc/net/tcp, without ages' : 'a file'}, because ${sockets.methodReason}`,
    );
  }
  for (const { problem } of sockets.netns) {
    if (problem !== null) notes.add(`${problem.reason}: ${problem.remedy}`);
  }
  if (owners?.kind === 'unavailable')
    notes.add(`owners are unknown, because ${owners.reason}: ${owners.remedy}`);
  if (owners?.kind === 'ok') {
    const { unreadable, methodReason } = owners.value;
    // Who may not see everything may not use BPF either, and is told so below.
    if (unreadable.length === 0 && methodReason !== null) {
      notes.add(
        `owners are read from the links in /proc, which takes longer, because ${methodReason}`,
      );
    }
    for (const { reason, remedy } of owners.value.unreadable) {
      notes.add(`some owners are unknown (?), because of ${reason}: ${remedy}`);
    }
  }
  return [...notes];
}
