import { once } from 'node:events';
import { Option, type Command } from 'commander';
import { inOrder } from '../lab/in-order.ts';
import { chooseNetwork, openStage, withoutResult, type LabNetwork } from '../lab/open-stage.ts';
import type { LabResult } from '../lab/result.ts';
import type { Scenario } from '../lab/scenario.ts';
import { NOT_MADE, SCENARIOS, scenarioOf } from '../lab/scenarios/all.ts';
import { labListLines, labResultLines, labSummaryLine } from '../render/lab-text.ts';
import { coloured, plain } from '../render/style.ts';
import { print, printError } from './output.ts';
import { terminalWidth, wantsColour } from './terminal.ts';
import { UserError } from './user-error.ts';

interface LabOptions {
  readonly json?: boolean;
  readonly keep?: boolean;
  readonly long?: boolean;
  readonly jobs: number;
}

const JOBS = 5;

export function registerLab(program: Command): void {
  program
    .command('lab')
    .description('reproduce a fault on the real kernel, and check what happens')
    .argument('[scenario]', 'its name, or `all`, or `list`', 'list')
    .option('--keep', 'leave the scenario running until Ctrl-C, to look at it')
    .option('--long', 'also those that take more than a minute')
    .addOption(
      new Option('--jobs <n>', 'how many run at a time').argParser(parseJobs).default(JOBS),
    )
    .option('--json', 'print the list, or a result a line, as JSON')
    .action(lab);
}

function parseJobs(text: string): number {
  const jobs = Number(text);
  if (!Number.isInteger(jobs) || jobs < 1) {
    throw new UserError(`--jobs takes a number from 1 on, not '${text}'`);
  }
  return jobs;
}

async function lab(name: string, options: LabOptions): Promise<void> {
  if (name === 'list') {
    list(options);
    return;
  }
  const scenarios = name === 'all' ? SCENARIOS : [chosen(name)];
  if (options.keep === true && scenarios.length > 1) {
    throw new UserError('--keep takes one scenario');
  }
  const network = chooseNetwork();
  if (network.kind === 'host') {
    printError(
      `lastack: no network namespace can be had (${network.reason}). Scenarios run on the host's loopback; those that need a namespace are skipped. Run as root.\n`,
    );
  }
  if (options.keep === true) await keep(scenarios[0], network);
  else await runAll(scenarios, network, options, name !== 'all');
}

function chosen(name: string): Scenario {
  const scenario = scenarioOf(name);
  if (scenario === null) {
    throw new UserError(`there is no scenario '${name}'. See lastack lab list`);
  }
  return scenario;
}

function list({ json }: LabOptions): void {
  if (json === true) {
    const rows = SCENARIOS.map(({ id, title, shows }) => ({ id, title, shows }));
    print(`${JSON.stringify(rows)}\n`);
    return;
  }
  print(`${labListLines(SCENARIOS, NOT_MADE, terminalWidth()).join('\n')}\n`);
}

async function runAll(
  scenarios: readonly Scenario[],
  network: LabNetwork,
  { json, long, jobs }: LabOptions,
  isOne: boolean,
): Promise<void> {
  const startedAt = Date.now();
  const results: LabResult[] = [];
  const run = async (scenario: Scenario) => {
    const reason = reasonToSkip(scenario, network, long === true || isOne);
    if (reason !== null) return withoutResult(scenario, network.kind, 'skipped', reason);
    await using stage = await openStage(scenario, network, false);
    return stage.result;
  };
  for await (const [scenario, result] of inOrder(scenarios, jobs, run)) {
    results.push(result);
    show(scenario, result, json === true);
  }
  if (json !== true) print(`${labSummaryLine(results, Date.now() - startedAt, paint())}\n`);
  process.exitCode = results.some(({ outcome }) => outcome === 'failed') ? 1 : 0;
}

function reasonToSkip(
  { isLong = false, sysctls }: Scenario,
  network: LabNetwork,
  wantsLong: boolean,
): string | null {
  if (isLong && !wantsLong) return 'it takes more than a minute: add --long';
  if (sysctls !== undefined && network.kind === 'host') {
    return `it changes settings, so it needs a network namespace of its own: ${network.reason}`;
  }
  return null;
}

async function keep(scenario: Scenario, network: LabNetwork): Promise<void> {
  const interrupted = once(process, 'SIGINT');
  await using stage = await openStage(scenario, network, true);
  show(scenario, stage.result, false);
  process.exitCode = stage.result.outcome === 'failed' ? 1 : 0;
  if (stage.result.sides.length === 0 && stage.result.doctor === null) return;
  print(
    `It goes on. Look at it from another terminal:  ${lookCommand(network, stage.pid)}\nCtrl-C ends it.\n`,
  );
  await interrupted;
}

function lookCommand(network: LabNetwork, pid: number): string {
  if (network.kind === 'host') return 'ss -tanp';
  const user = network.isUserOwned ? '--user --preserve-credentials ' : '';
  return `nsenter --target ${pid} ${user}--net ss -tanp`;
}

function show(scenario: Scenario, result: LabResult, json: boolean): void {
  if (json) print(`${JSON.stringify({ schema: 'lastack.lab/1', ...result })}\n`);
  else print(`${labResultLines(scenario, result, paint(), terminalWidth()).join('\n')}\n\n`);
}

function paint() {
  return wantsColour() ? coloured : plain;
}
