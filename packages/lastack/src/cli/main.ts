import { Command, CommanderError } from 'commander';
import { registerDemo } from './demo.ts';
import { registerDoctor } from './doctor.ts';
import { registerKill } from './kill.ts';
import { registerLs } from './ls.ts';
import { registerRecord } from './record.ts';
import { ReaderGone, print, printError } from './output.ts';
import { UserError } from './user-error.ts';

async function main(): Promise<number> {
  const program = new Command('lastack').exitOverride().configureOutput({
    writeOut: print,
    writeErr: printError,
    outputError: (text, write) => write(text.replace(/^error: /, 'lastack: ')),
  });
  registerDoctor(program);
  registerLs(program);
  registerRecord(program);
  registerKill(program);
  registerDemo(program);
  try {
    checkCommand(program, process.argv[2]);
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

/** Without a command it is the doctor's turn, so commander takes an unknown one for an argument of his. */
function checkCommand(program: Command, word: string | undefined): void {
  if (word === undefined || word.startsWith('-') || word === 'help') return;
  const names = program.commands.map((command) => command.name());
  if (!names.includes(word)) {
    throw new UserError(
      `unknown command '${word}'. The commands are ${names.join(', ')}; see lastack --help`,
    );
  }
}

async function run(): Promise<void> {
  process.exitCode = await main();
}

void run();
