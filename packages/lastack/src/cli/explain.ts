import { writeFileSync } from 'node:fs';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { explanationJson, subjectsJson, topicJson } from '../explain/explain-json.ts';
import { explainLines, topicLines, type Executed } from '../explain/explain-text.ts';
import { findSubject } from '../explain/find-subject.ts';
import { indexLines } from '../explain/index-text.ts';
import { isProgramName, PROGRAMS, type ProgramName } from '../explain/programs.ts';
import { show, type Variation } from '../explain/simulation.ts';
import type { Subject } from '../explain/subject.ts';
import { SUBJECTS } from '../explain/subjects.ts';
import type { Topic } from '../explain/topic.ts';
import { tryTimeWait } from '../explain/why-time-wait.ts';
import { sequenceSvg } from '../render/sequence-svg.ts';
import { coloured, plain, type Paint } from '../render/style.ts';
import { parseDurationOption } from './duration-option.ts';
import { print } from './output.ts';
import { terminalWidth, wantsColour } from './terminal.ts';
import { UserError } from './user-error.ts';

interface ExplainOptions {
  readonly client?: ProgramName;
  readonly server?: ProgramName;
  readonly loss?: number;
  readonly duplicate?: number;
  readonly delay?: number;
  readonly seed?: number;
  readonly seeds: number;
  readonly linux?: boolean;
  readonly rfc?: boolean;
  readonly svg?: string;
  readonly json?: boolean;
}

const MOST = 100_000;

export function registerExplain(program: Command): void {
  program
    .command('explain')
    .description('what a state or a finding means, simulated: with causes, remedies and myths')
    .argument(
      '[subject]',
      'a state (CLOSE_WAIT, close-wait), a finding or a setting; all are listed without',
    )
    .addOption(new Option('--client <program>', 'what the client does').argParser(parseProgram))
    .addOption(new Option('--server <program>', 'what the server does').argParser(parseProgram))
    .addOption(new Option('--loss <percent>', 'how much is lost').argParser(parsePercent))
    .addOption(
      new Option(
        '--duplicate <percent>',
        'how much arrives a second time, up to 2 s late',
      ).argParser(parsePercent),
    )
    .addOption(new Option('--delay <duration>', 'one way').argParser(parseDurationOption))
    .addOption(new Option('--seed <n>', 'another run of chance').argParser(parseCount))
    .addOption(
      new Option('--seeds <n>', 'time-wait: how many runs show why it exists')
        .argParser(parseCount)
        .default(1000),
    )
    .addOption(new Option('--linux', 'as Linux does (the default)').conflicts('rfc'))
    .option('--rfc', 'by the letter of RFC 9293')
    .option('--svg <file>', 'also draws the sequence diagram into a file')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Simulates two endpoints by the rules of RFC 9293; looks at nothing on this host. Examples:
  lastack explain
  lastack explain close-wait --server closes-late
  lastack explain TIME_WAIT --loss 10% --seed 7
  lastack explain fin-wait-2 --rfc --svg fin-wait-2.svg
  lastack explain tcp_tw_recycle

Programs:
${programLines().join('\n')}`,
    )
    .action((name: string | undefined, options: ExplainOptions) => explain(name, options));
}

function explain(name: string | undefined, options: ExplainOptions): void {
  const paint = wantsColour() ? coloured : plain;
  if (name === undefined) {
    if (options.svg !== undefined)
      throw new UserError('--svg needs a subject: lastack explain close-wait --svg FILE');
    print(options.json === true ? toJson(subjectsJson(SUBJECTS)) : toText(indexLines(paint)));
    return;
  }
  const found = findSubject(name);
  if (found.kind === 'unknown') {
    throw new UserError(
      `nothing is known about '${name}'. Perhaps ${listed(found.nearest)}; lastack explain lists all`,
    );
  }
  if (found.kind === 'topic') explainTopic(found, options, paint);
  else explainSubject(found.subject, options, paint);
}

function explainTopic(topic: Topic, { svg, json }: ExplainOptions, paint: Paint): void {
  if (svg !== undefined)
    throw new UserError(
      `${topic.name} has no sequence diagram: ask for one of ${topic.subjects.join(', ')}`,
    );
  print(
    json === true ? toJson(topicJson(topic)) : toText(topicLines(topic, paint, terminalWidth())),
  );
}

function explainSubject(subject: Subject, options: ExplainOptions, paint: Paint): void {
  const executed = execute(subject, options);
  if (options.svg !== undefined) writeSvg(options.svg, subject, executed);
  print(
    options.json === true
      ? toJson(explanationJson(subject, executed))
      : toText(explainLines(subject, executed, paint, terminalWidth())),
  );
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

function execute(subject: Subject, options: ExplainOptions): Executed {
  const { simulation } = subject;
  const { client, server, loss, duplicate, delay, seed } = options;
  const stack = options.rfc === true ? 'rfc' : 'linux';
  const variation: Variation = { client, server, loss, duplicate, delay, seed, stack };
  return {
    shown: simulation === null ? null : show(simulation, variation),
    trial: subject.id === 'TIME-WAIT' ? tryTimeWait(options.seeds) : null,
  };
}

function writeSvg(file: string, subject: Subject, { shown }: Executed): void {
  if (shown === null) {
    throw new UserError(
      `${subject.id} has no sequence diagram: nothing of it happens between two ends of a connection`,
    );
  }
  try {
    writeFileSync(file, sequenceSvg(shown.diagram, subject.id, shown.conditions));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`Cannot write ${file}: ${code}. Name a file that can be written.`);
  }
}

function toText(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function programLines(): string[] {
  const width = Math.max(...Object.keys(PROGRAMS).map(({ length }) => length));
  return Object.entries(PROGRAMS).map(([name, { does }]) => `  ${name.padEnd(width)}  ${does}`);
}

function parseProgram(text: string): ProgramName {
  if (isProgramName(text)) return text;
  throw new InvalidArgumentError(`The programs are ${Object.keys(PROGRAMS).join(', ')}.`);
}

/** `10%` or `10`: a rate from 0 to 1. */
function parsePercent(text: string): number {
  const percent = /^\d+(\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN;
  if (!(percent >= 0 && percent <= 100)) {
    throw new InvalidArgumentError('Give a share of 100: 10%.');
  }
  return percent / 100;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > MOST) {
    throw new InvalidArgumentError('Give a whole number from 1 to 100,000.');
  }
  return count;
}
