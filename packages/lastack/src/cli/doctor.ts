import { existsSync } from 'node:fs';
import { isatty } from 'node:tty';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { diagnose, type Evidence, type Severity } from '@lastack/core';
import { startWatch } from '../gather/evidence.ts';
import { diagnoseProcess, focusOn } from '../gather/focus.ts';
import { locateFindings } from '../locate/locate.ts';
import type { DeepLook } from '../locate/node/deep-query.ts';
import { diagnosisJson } from '../render/diagnosis-json.ts';
import { doctorLines } from '../render/doctor-text.ts';
import type { Report } from '../render/report.ts';
import { coloured, plain } from '../render/style.ts';
import { confirmQueryOn } from './confirm-query.ts';
import { forOption, parseDurationOption } from './duration-option.ts';
import { print } from './output.ts';
import { startProgress } from './progress.ts';
import { readEvidence } from './replay-option.ts';
import { terminalWidth, wantsColour } from './terminal.ts';
import { UserError } from './user-error.ts';

interface DoctorOptions {
  readonly pid?: number;
  readonly for: number;
  readonly watch?: true | number;
  readonly attach?: boolean;
  readonly deep?: DeepLook;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly failOn: Severity;
  readonly netns?: string;
  readonly replay?: string;
}

const DEFAULT_WATCH_MS = 10_000;
const SHORTEST_WATCH_MS = 100;
const CLEAR_SCREEN = '\u001B[H\u001B[2J';

export function registerDoctor(program: Command): void {
  program
    .command('doctor', { isDefault: true })
    .description('find the sockets that do not close: who holds them, since when, why, what to do')
    .option('--pid <pid>', 'only what concerns this process', parsePid)
    .addOption(forOption())
    .option(
      '--watch [interval]',
      'go on, and report again every interval (default 10s)',
      parseDurationOption,
    )
    .option(
      '--attach',
      'find lines in Node programs through their inspector: signals them where that is safe, pauses them for moments',
    )
    .addOption(
      new Option(
        '--deep <how>',
        'query looks through the heap of Node programs for sockets that --attach misses, snapshot also for what holds them; stops them for seconds, asks first',
      ).choices(['query', 'snapshot']),
    )
    .option('--yes', 'do what --deep asks for, without a question')
    .option('--json', 'print the diagnosis as JSON')
    .addOption(
      new Option('--fail-on <severity>', 'exit with 1 from this severity on')
        .choices(['warning', 'critical'])
        .default('critical'),
    )
    .option('--netns <which>', 'network namespace: own, all, a pid, a name or a path')
    .option('--replay <file>', 'diagnose what `lastack record` wrote')
    .action((options: DoctorOptions) => doctor(options));
}

function parsePid(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('Give the number of a process.');
  return Number(text);
}

async function doctor(options: DoctorOptions): Promise<void> {
  const { pid } = options;
  refuseDeep(options);
  if (options.replay !== undefined) {
    const evidence = await readEvidence(options.replay);
    show({ ...examine(evidence, pid), whereabouts: new Map() }, options);
    return;
  }
  if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
    throw new UserError(
      `There is no process ${pid}. List those that hold sockets with: lastack ls`,
    );
  }
  // A process in a container has its sockets in the container's namespace.
  const netns = options.netns ?? (pid === undefined ? 'own' : String(pid));

  const interval = options.watch === true ? DEFAULT_WATCH_MS : options.watch;
  const once = interval === undefined && options.for === 0;
  if (interval !== undefined && interval < SHORTEST_WATCH_MS) {
    throw new UserError('--watch needs an interval of at least 100ms.');
  }
  const watch = await startWatch({ netns, pid, once });
  for (;;) {
    const ms = interval ?? options.for;
    const progress = startProgress('watching TCP sockets', ms);
    const seen = await watch.after(ms);
    if (seen.sockets.kind === 'unavailable') {
      progress.end();
      const { reason, remedy } = seen.sockets;
      throw new UserError(`Cannot read TCP sockets: ${reason}. To see them, ${remedy}.`);
    }
    const { evidence, diagnosis } = examine(seen, pid);
    const { deep } = options;
    const isDeep = deep !== undefined;
    // It may ask something.
    if (isDeep) progress.end();
    const terminal = { input: process.stdin, output: process.stderr };
    const whereabouts = await locateFindings(diagnosis, seen, {
      attach: options.attach === true || isDeep,
      pid,
      confirmQuery: isDeep ? confirmQueryOn(terminal, options.yes === true) : null,
      ...(deep === undefined ? {} : { deep }),
    });
    if (!isDeep) progress.end();
    if (interval !== undefined && isatty(1)) print(CLEAR_SCREEN);
    show({ evidence, diagnosis, whereabouts }, options);
    if (interval === undefined) return;
  }
}

/** What stops programs for seconds is agreed to each time. */
function refuseDeep({ deep, yes, watch, replay }: DoctorOptions): void {
  if (deep === undefined) return;
  if (watch !== undefined || replay !== undefined) {
    throw new UserError('--deep goes with neither --watch nor --replay: leave it out.');
  }
  if (yes !== true && !(isatty(0) && isatty(2))) {
    throw new UserError(
      `--deep=${deep} stops programs for seconds and must be agreed to: run it on a terminal, or add --yes.`,
    );
  }
}

function examine(evidence: Evidence, pid: number | undefined): Omit<Report, 'whereabouts'> {
  return pid === undefined
    ? { evidence, diagnosis: diagnose(evidence) }
    : { evidence: focusOn(evidence, pid), diagnosis: diagnoseProcess(evidence, pid) };
}

function show(report: Report, { json, failOn }: DoctorOptions): void {
  if (json === true) print(`${JSON.stringify(diagnosisJson(report))}\n`);
  else {
    const paint = wantsColour() ? coloured : plain;
    print(`${doctorLines(report, paint, terminalWidth()).join('\n')}\n`);
  }
  const failed = report.diagnosis.findings.some(({ severity }) => reaches(severity, failOn));
  process.exitCode = failed ? 1 : 0;
}

function reaches(severity: Severity, limit: Severity): boolean {
  return severity === 'critical' || limit === 'warning';
}
