import { Command, CommanderError } from 'commander';
import { ReaderGone, print, printError } from './output.ts';
import { UserError } from './user-error.ts';

type Register = (program: Command) => void;

/** Each in a file of its own, so that a command does not wait for the others to load. */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  doctor: async () => (await import('./doctor.ts')).registerDoctor,
  ls: async () => (await import('./ls.ts')).registerLs,
  record: async () => (await import('./record.ts')).registerRecord,
  kill: async () => (await import('./kill.ts')).registerKill,
  run: async () => (await import('./run.ts')).registerRun,
  trace: async () => (await import('./trace.ts')).registerTrace,
  plan: async () => (await import('./plan.ts')).registerPlan,
  explain: async () => (await import('./explain.ts')).registerExplain,
  demo: async () => (await import('./demo.ts')).registerDemo,
  lab: async () => (await import('./lab.ts')).registerLab,
};
const ANSWERED_BY_COMMANDER = new Set(['help', '-h', '--help', '-V', '--version']);

async function main(words: readonly string[]): Promise<number> {
  const program = new Command('lastack')
    .description('Finds the TCP sockets that never close: who holds them, why, and what to do.')
    .version(process.env.LASTACK_VERSION ?? 'unknown')
    .exitOverride()
    .configureOutput({
      writeOut: print,
      writeErr: printError,
      outputError: (text, write) => write(text.replace(/^error: /, 'lastack: ')),
    });
  try {
    for (const name of commandsFor(words[0])) (await COMMANDS[name]())(program);
    await program.parseAsync([...words], { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof ReaderGone) return 0;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof UserError)) throw error;
    printError(`lastack: ${error.message}\n`);
    return 2;
  }
}

/** The commands to load for the first word of the command line. */
function commandsFor(word: string | undefined): readonly string[] {
  const names = Object.keys(COMMANDS);
  if (word !== undefined && ANSWERED_BY_COMMANDER.has(word)) return names;
  if (word === undefined || word.startsWith('-')) return ['doctor'];
  if (names.includes(word)) return [word];
  throw new UserError(
    `unknown command '${word}'. The commands are ${names.join(', ')}; see lastack --help`,
  );
}

async function run(): Promise<void> {
  process.exitCode = await main(process.argv.slice(2));
}

void run();
