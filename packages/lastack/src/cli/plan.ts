import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  capacityOf,
  clientsTable,
  curesFor,
  poolSizeOf,
  type HostLimits,
  type Workload,
} from '@lastack/core';
import { readHostLimits } from '../gather/host-limits.ts';
import { clientsLines, planLines, type Plan } from '../render/plan-text.ts';
import { coloured, plain } from '../render/style.ts';
import { parseDurationOption } from './duration-option.ts';
import { print } from './output.ts';
import { terminalWidth, wantsColour } from './terminal.ts';
import { UserError } from './user-error.ts';

interface PlanOptions {
  readonly rate: number;
  readonly latency: number;
  readonly keepAlive: number;
  readonly hold: number;
  readonly sources: number;
  readonly destinations: number;
  readonly closesFirst: 'client' | 'server';
  readonly loopback?: boolean;
  readonly perClient: number;
  readonly ports?: number;
  readonly twReuse?: '0' | '1' | '2';
  readonly descriptors?: number;
  readonly json?: boolean;
}

export function registerPlan(program: Command): void {
  program
    .command('plan')
    .description(
      'how many connections a second until the ports or descriptors run out, and what would help',
    )
    .addOption(new Option('--rate <n>', 'requests a second').argParser(parseAmount).default(1000))
    .addOption(
      new Option('--latency <duration>', 'how long a request takes')
        .argParser(parseDurationOption)
        .default(50, '50ms'),
    )
    .addOption(
      new Option('--keep-alive <n>', 'requests a connection; 1 is none')
        .argParser(parseCount)
        .default(1),
    )
    .addOption(
      new Option(
        '--hold <duration>',
        'how long a connection stays open besides; "forever" is a leak',
      )
        .argParser(parseHold)
        .default(0, '0'),
    )
    .addOption(
      new Option('--sources <n>', 'local addresses to connect from')
        .argParser(parseCount)
        .default(1),
    )
    .addOption(
      new Option('--destinations <n>', 'remote pairs of address and port')
        .argParser(parseCount)
        .default(1),
    )
    .addOption(
      new Option('--closes-first <side>', 'who closes first, and so has the TIME-WAIT')
        .choices(['client', 'server'])
        .default('client'),
    )
    .option('--loopback', 'the destination is on this host')
    .addOption(
      new Option('--per-client <n>', 'requests a second of each client in the table')
        .argParser(parseAmount)
        .default(0.1),
    )
    .addOption(
      new Option('--ports <n>', "instead of this host's local ports").argParser(parseCount),
    )
    .addOption(
      new Option('--tw-reuse <n>', "instead of this host's tcp_tw_reuse").choices(['0', '1', '2']),
    )
    .addOption(
      new Option('--descriptors <n>', "instead of this shell's limit (ulimit -n)").argParser(
        parseCount,
      ),
    )
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Reads this host's settings; changes nothing. Examples:
  lastack plan --rate 2000 --latency 20ms
  lastack plan --rate 50 --hold forever          (a leak: when do the descriptors end?)
  lastack plan --rate 5000 --keep-alive 100 --closes-first server`,
    )
    .action((options: PlanOptions) => plan(options));
}

function plan(options: PlanOptions): void {
  const read = readHostLimits();
  if (read.kind === 'unavailable') {
    throw new UserError(`Cannot read this host's limits: ${read.reason}.`);
  }
  const limits = chosenLimits(read.value.limits, options);
  const workload = workloadOf(options);
  const capacity = capacityOf(workload, limits);
  const cures = capacity.portsEndMs === null ? [] : curesFor(workload, limits);
  const result: Plan = {
    workload,
    limits,
    capacity,
    cures,
    pool: poolSizeOf(workload.requestsPerSecond, workload.latencyMs),
  };
  const rows = clientsTable(workload, limits, options.perClient);
  if (options.json === true) {
    const json = { schema: 'lastack.plan/1', ...result, clients: rows };
    print(`${JSON.stringify(json, finite)}\n`);
    return;
  }
  const lines = planLines(result, wantsColour() ? coloured : plain, terminalWidth());
  const each = `The same for so many clients, each ${options.perClient} requests a second:`;
  print(`${[...lines, '', each, ...clientsLines(rows)].join('\n')}\n`);
}

/** What is without limit is null in JSON. */
function finite(_key: string, value: unknown): unknown {
  return value === Infinity ? null : value;
}

function workloadOf(options: PlanOptions): Workload {
  return {
    requestsPerSecond: options.rate,
    latencyMs: options.latency,
    requestsPerConnection: options.keepAlive,
    heldMs: options.hold,
    sources: options.sources,
    destinations: options.destinations,
    closesFirst: options.closesFirst,
    isLoopback: options.loopback === true,
  };
}

function chosenLimits(limits: HostLimits, options: PlanOptions): HostLimits {
  return {
    ...limits,
    ports: options.ports ?? limits.ports,
    twReuse: options.twReuse === undefined ? limits.twReuse : TW_REUSE[options.twReuse],
    descriptorLimit: options.descriptors ?? limits.descriptorLimit,
  };
}

const TW_REUSE = { 0: 0, 1: 1, 2: 2 } as const;

function parseAmount(text: string): number {
  const amount = Number(text);
  if (!(amount > 0 && amount <= 1e9))
    throw new InvalidArgumentError('Give a number above 0, at most 1e9.');
  return amount;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1e9) {
    throw new InvalidArgumentError('Give a whole number from 1 to 1e9.');
  }
  return count;
}

function parseHold(text: string): number {
  return text === 'forever' ? Infinity : parseDurationOption(text);
}
