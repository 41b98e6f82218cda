import { Option, type Command } from 'commander';
import { runLines } from '../render/run-text.ts';
import { NoFolder } from '../run/folder.ts';
import { NotStarted, runCommand, type RunResult } from '../run/run-command.ts';
import { RUN_SEVERITIES, findingsOf, reaches, type RunSeverity } from '../run/run-report.ts';
import { runJson } from '../run/run-json.ts';
import { parseDurationOption } from './duration-option.ts';
import { print, printError } from './output.ts';
import { UserError } from './user-error.ts';

interface RunCommandOptions {
  readonly failOn: RunSeverity;
  readonly grace: number;
  readonly json?: boolean;
}

/** As a shell has them. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

export function registerRun(program: Command): void {
  // The options behind the command's name are its own.
  program.enablePositionalOptions();
  program
    .command('run')
    .description('run a command, and say which sockets it did not close and where they were made')
    .argument('<command...>', 'what to run, best behind --')
    .passThroughOptions()
    .addOption(
      new Option('--fail-on <severity>', 'exit with 1 from this severity on')
        .choices(RUN_SEVERITIES)
        .default('leak'),
    )
    .addOption(
      new Option('--grace <duration>', 'how long a socket may stay in CLOSE-WAIT')
        .argParser(parseDurationOption)
        .default(2000, '2s'),
    )
    .option('--json', 'print the report as JSON, the last line of standard output')
    .action((command: readonly string[], options: RunCommandOptions) => run(command, options));
}

async function run(
  command: readonly string[],
  { failOn, grace, json }: RunCommandOptions,
): Promise<void> {
  let result: RunResult;
  try {
    result = await runCommand(command, { graceMs: grace });
  } catch (error) {
    if (error instanceof NoFolder) {
      throw new UserError(`Cannot keep records in ${error.message}. Set TMPDIR to another folder`);
    }
    if (!(error instanceof NotStarted)) throw error;
    const [what, status] =
      error.code === 'ENOENT' ? ['no such command', NOT_FOUND] : [error.code, NOT_EXECUTABLE];
    printError(`lastack: Cannot run ${command[0]}: ${what}. Check its name and PATH.\n`);
    process.exitCode = status;
    return;
  }
  const findings = findingsOf(result.leaks);
  // The table goes where it does not mix with what the command writes; the JSON on a line of its own, even if that had no end.
  if (json === true) print(`\n${JSON.stringify(runJson(command, result, findings))}\n`);
  else printError(`${runLines(findings, result.notes).join('\n')}\n`);
  process.exitCode = findings.some((each) => reaches(each, failOn)) ? 1 : result.status;
}
