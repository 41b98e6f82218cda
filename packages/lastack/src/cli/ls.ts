import { InvalidArgumentError, type Command } from 'commander';
import type { SocketTable } from '@lastack/core';
import { ByteWriter } from '../render/byte-writer.ts';
import type { RowView } from '../render/row-view.ts';
import { SocketJson } from '../render/socket-json.ts';
import { SocketRows } from '../render/socket-rows.ts';
import { SORT_KEYS, sortRows, type SortKey } from '../render/sort-rows.ts';
import { summarize, summaryLines } from '../render/summary.ts';
import { print, widenPipe, writeAll } from './output.ts';
import { printNotes, selectSockets } from './selection.ts';

/** From here on the pipe, not the work, may be the narrow place. */
const MANY_ROWS = 10_000;

interface LsOptions {
  readonly json?: boolean;
  readonly numeric?: boolean;
  readonly owners: boolean;
  readonly header: boolean;
  readonly summary?: boolean;
  readonly sort?: SortKey;
  readonly netns: string;
  readonly replay?: string;
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
    .option('--replay <file>', 'list what `lastack record` wrote')
    .addHelpText(
      'after',
      `
Age is the time in the present state: = measured, ≥ at least, ≈ from a timer, - unknown.
Process: every holder; - without a descriptor, ? with one whose holder could not be seen.
The filter language is in docs/filter.md. Examples:
  lastack ls 'state close-wait and age > 5m'
  lastack ls 'comm ~ node and dport = :5432' --sort age`,
    )
    .action((words: readonly string[], options: LsOptions) => ls(words, options));
}

function parseSortKey(text: string): SortKey {
  const key = SORT_KEYS.find((key) => key === text);
  if (key === undefined) throw new InvalidArgumentError(`Use one of ${SORT_KEYS.join(', ')}.`);
  return key;
}

async function ls(words: readonly string[], options: LsOptions): Promise<void> {
  const { table, rows, view, notes } = await selectSockets(words, {
    owners: options.owners,
    ages: options.sort === 'age',
    numeric: options.numeric === true,
    netns: options.netns,
    replay: options.replay,
  });
  const sorted = options.sort === undefined ? rows : sortRows(rows, options.sort, table, view);
  writeRows(table, sorted, view, options);
  printNotes(notes);
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
  if (rows.length > MANY_ROWS) widenPipe(1);
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
