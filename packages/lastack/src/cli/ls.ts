import { InvalidArgumentError, type Command } from 'commander';
import {
  ALL_STATES_MASK,
  ageOf,
  compileBytecode,
  compilePredicate,
  indexOwners,
  needsOf,
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
import { readOwners } from '../kernel/owners.ts';
import { ByteWriter } from '../render/byte-writer.ts';
import type { RowView } from '../render/row-view.ts';
import { SocketJson } from '../render/socket-json.ts';
import { SocketRows } from '../render/socket-rows.ts';
import { SORT_KEYS, sortRows, type SortKey } from '../render/sort-rows.ts';
import { summarize, summaryLines } from '../render/summary.ts';
import { readFilter, withPosition } from './filter-argument.ts';
import { print, printError, writeAll } from './output.ts';
import { UserError } from './user-error.ts';

interface LsOptions {
  readonly json?: boolean;
  readonly numeric?: boolean;
  readonly owners: boolean;
  readonly header: boolean;
  readonly summary?: boolean;
  readonly sort?: SortKey;
  readonly netns: string;
}

export function registerLs(program: Command): void {
  program
    .command('ls')
    .description("list TCP sockets with all their holders; FILTER is ss's filter language and more")
    .argument('[filter...]', "as of ss, and age, pid, comm, uid, recvq, sendq, netns: 'age > 5m'")
    .option('--json', 'one JSON object a line')
    .option('--no-owners', 'do not look up which processes hold the sockets')
    .option('--summary', 'count by state and process instead')
    .option('--sort <key>', `order by ${SORT_KEYS.join(', ')}`, parseSortKey)
    .option('-n, --numeric', 'print port numbers, not service names')
    .option('-H, --no-header', 'print no header line')
    .option('--netns <which>', 'network namespace: own, all, a pid, a name or a path', 'own')
    .action((words: readonly string[], options: LsOptions) => ls(words, options));
}

function parseSortKey(text: string): SortKey {
  const key = SORT_KEYS.find((key) => key === text);
  if (key === undefined) throw new InvalidArgumentError(`Use one of ${SORT_KEYS.join(', ')}.`);
  return key;
}

/** What is listed, wherever it comes from. */
interface Listing {
  readonly sockets: SocketsRead;
  readonly owners: Observation<OwnerTable> | null;
  /** What remains of the filter to be tested here. */
  readonly residual: Filter;
}

async function ls(words: readonly string[], options: LsOptions): Promise<void> {
  const filter = readFilter(words);
  const text = words.join(' ');
  const { sockets, owners, residual } = await withPosition(text, () => look(filter, options));
  const index = owners?.kind === 'ok' ? indexOwners(owners.value) : null;
  if (owners?.kind === 'unavailable' && needsOf(filter).owners) {
    throw new UserError(
      `Cannot tell who holds the sockets: ${owners.reason}. To see it, ${owners.remedy}.`,
    );
  }
  const { table } = sockets;
  const deviceName = readDeviceNames();
  const portName = options.numeric === true ? () => null : readPortNames();
  const several = sockets.netns.length > 1;
  const names = new Map(sockets.netns.map(({ inode, name }) => [inode, name]));
  const view: RowView = {
    owners: options.owners ? index : null,
    age: { finTimeoutMs: readFinTimeoutMs() },
    portName,
    deviceName,
    netnsName: several ? (inode) => names.get(inode) ?? String(inode) : null,
  };
  const matching = withPosition(text, () => matchingRows(table, residual, index, view));
  const rows =
    options.sort === undefined ? matching : sortRows(matching, options.sort, table, view);
  writeRows(table, rows, view, options);
  printNotes(sockets, options.owners ? owners : null);
}

async function look(filter: Filter, options: LsOptions): Promise<Listing> {
  const needs = needsOf(filter);
  const file = process.env['TCPDIAG_FILE'];
  if (file !== undefined && file !== '') {
    return { sockets: readRawDump(file), owners: null, residual: filter };
  }
  const kernel = compileBytecode(filter);
  const wanted = options.owners || options.summary === true || needs.owners;
  // Started first: the kernel reads descriptors in another thread while the sockets are dumped in this one.
  const owners = wanted ? readOwners({ libc: loadLibc() }) : null;
  const sockets = readSockets({
    states: kernel.states,
    bytecode: kernel.bytecode,
    info: needs.age || options.sort === 'age' ? 'all' : 'closing',
    netns: options.netns,
  });
  const seenOwners = await owners;
  if (sockets.kind === 'unavailable') {
    throw new UserError(
      `Cannot read TCP sockets: ${sockets.reason}. To see them, ${sockets.remedy}.`,
    );
  }
  const asked = sockets.value.method === 'sock_diag';
  return { sockets: sockets.value, owners: seenOwners, residual: asked ? kernel.residual : filter };
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

function writeRows(table: SocketTable, rows: Uint32Array, view: RowView, options: LsOptions): void {
  if (options.summary === true) {
    const summary = summarize(table, rows, view.owners);
    print(
      options.json === true
        ? `${JSON.stringify({ schema: 'lastack.summary/1', ...summary })}\n`
        : `${summaryLines(summary).join('\n')}\n`,
    );
    return;
  }
  const writer = new ByteWriter((bytes) => writeAll(1, bytes));
  if (options.json === true) {
    const json = new SocketJson(table, view, writer);
    for (const row of rows) json.row(row);
  } else {
    const lines = new SocketRows(table, rows, view, writer);
    if (options.header) lines.header();
    for (const row of rows) lines.row(row);
  }
  writer.flush();
}

/** What was not seen, or not seen the usual way, on stderr: it must not look complete. */
function printNotes(sockets: SocketsRead, owners: Observation<OwnerTable> | null): void {
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
    for (const { reason, remedy } of owners.value.unreadable) {
      notes.add(`some owners are unknown (?), because of ${reason}: ${remedy}`);
    }
  }
  for (const note of notes) printError(`lastack: ${note}\n`);
}
