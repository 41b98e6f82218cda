import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { startWatch } from '../gather/evidence.ts';
import { recordBytes } from '../gather/record.ts';
import { forOption } from './duration-option.ts';
import { print } from './output.ts';
import { startProgress } from './progress.ts';
import { UserError } from './user-error.ts';

interface RecordOptions {
  readonly for: number;
  readonly netns: string;
}

export function registerRecord(program: Command): void {
  program
    .command('record')
    .description('write all that doctor and ls look at to a file, to send with a bug report')
    .argument('<file>')
    .addOption(forOption())
    .option('--netns <which>', 'network namespace: own, all, a pid, a name or a path', 'own')
    .addHelpText(
      'after',
      '\nThe file holds addresses, ports, process names and sysctls of this host, and no data of any connection.',
    )
    .action((file: string, options: RecordOptions) => record(file, options));
}

async function record(file: string, { for: windowMs, netns }: RecordOptions): Promise<void> {
  const watch = await startWatch({ netns, once: windowMs === 0 });
  const progress = startProgress('recording TCP sockets', windowMs);
  const evidence = await watch.after(windowMs);
  progress.end();
  if (evidence.sockets.kind === 'unavailable') {
    const { reason, remedy } = evidence.sockets;
    throw new UserError(`Cannot read TCP sockets: ${reason}. To see them, ${remedy}.`);
  }
  const bytes = recordBytes(evidence);
  try {
    // A record names programs and peers: it is for its owner.
    writeFileSync(file, bytes, { mode: 0o600 });
  } catch (error) {
    throw new UserError(`Cannot write ${file}: ${(error as Error).message}. Choose another file.`);
  }
  const { count } = evidence.sockets.value.last;
  print(
    `${file}: ${count} sockets, ${bytes.length} bytes. Look at it with: lastack doctor --replay ${file}\n`,
  );
}
