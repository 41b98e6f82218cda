import { Command } from 'commander';
import { registerLs } from './ls.ts';
import { ReaderGone } from './output.ts';

const program = new Command('lastack');
registerLs(program);
program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof ReaderGone)) throw error;
});
