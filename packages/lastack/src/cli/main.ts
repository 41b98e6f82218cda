import { Command, CommanderError } from 'commander';
import { registerDemo } from './demo.ts';
import { registerDoctor } from './doctor.ts';
import { registerKill } from './kill.ts';
import { registerLs } from './ls.ts';
import { registerRecord } from './record.ts';
import { ReaderGone, printError } from './output.ts';
import { UserError } from './user-error.ts';

async function main(): Promise<number> {
  const program = new Command('lastack').exitOverride().configureOutput({
    writeErr: printError,
    outputError: (text, write) => write(text.replace(/^error: /, 'lastack: ')),
  });
  registerDoctor(program);
  registerLs(program);
  registerRecord(program);
  registerKill(program);
  registerDemo(program);
  try {
    await program.parseAsync();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof ReaderGone) return 0;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof UserError)) throw error;
    printError(`lastack: ${error.message}\n`);
    return 2;
  }
}

void main().then((status) => {
  process.exitCode = status;
});
