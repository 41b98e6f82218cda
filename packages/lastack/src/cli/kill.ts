import type { Command } from 'commander';
import { destroySockets, type DestroyResult } from '../gather/destroy.ts';
import { ByteWriter } from '../render/byte-writer.ts';
import { SocketRows } from '../render/socket-rows.ts';
import { print, writeAll } from './output.ts';
import { printNotes, selectSockets, type Selection } from './selection.ts';
import { UserError } from './user-error.ts';

interface KillOptions {
  readonly yes?: boolean;
  readonly numeric?: boolean;
  readonly netns: string;
}

export function registerKill(program: Command): void {
  program
    .command('kill')
    .description('close sockets in the kernel (SOCK_DESTROY); shows which, and does it with --yes')
    .argument('<filter...>', 'as of ls')
    .option('--yes', 'do it')
    .option('-n, --numeric', 'print port numbers, not service names')
    .option('--netns <which>', 'network namespace: own, all, a pid, a name or a path', 'own')
    .addHelpText(
      'after',
      '\nThe connection is gone at once, but the descriptor stays open in the program: its next call on it fails with\nECONNABORTED, and only its own close frees it. A program that leaks sockets goes on leaking descriptors.',
    )
    .action((words: readonly string[], options: KillOptions) => kill(words, options));
}

async function kill(words: readonly string[], options: KillOptions): Promise<void> {
  if (words.join('').trim() === '') {
    throw new UserError(
      'kill needs a filter. To close every socket, say so: lastack kill state all',
    );
  }
  const selection = await selectSockets(words, {
    owners: true,
    ages: false,
    strict: true,
    numeric: options.numeric === true,
    netns: options.netns,
  });
  const { table, rows, notes } = selection;
  if (rows.length === 0) {
    print('No socket matches.\n');
    printNotes(notes);
    return;
  }
  show(selection);
  printNotes(notes);
  const sockets = rows.length === 1 ? '1 socket' : `${rows.length} sockets`;
  if (options.yes !== true) {
    print(
      `\nWould close ${sockets}. Do it with --yes. The descriptors stay open in the programs until they close them.\n`,
    );
    return;
  }
  report(destroySockets(table, rows));
}

function show({ table, rows, view }: Selection): void {
  const writer = new ByteWriter((bytes) => writeAll(1, bytes));
  const lines = new SocketRows(table, rows, view, writer);
  lines.header();
  for (const row of rows) lines.row(row);
  writer.flush();
}

function report({ closed, gone, refused }: DestroyResult): void {
  if (refused !== null) {
    throw new UserError(
      `Cannot close sockets (${closed} closed before): ${refused.reason}. To close them, ${refused.remedy}.`,
    );
  }
  const meanwhile = gone === 0 ? '' : ` (${gone} had gone meanwhile)`;
  print(
    `\nClosed ${closed}${meanwhile}. Their descriptors stay open in the programs: the leak itself is still there.\n`,
  );
}
