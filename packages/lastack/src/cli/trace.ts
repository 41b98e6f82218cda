import { setTimeout as delay } from 'node:timers/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  createConnections,
  createFollower,
  createMatcher,
  createSummarizer,
  unknownToTrace,
  type KnownSocket,
  type ObservedTransition,
} from '@lastack/core';
import { readKnownSockets } from '../gather/known-sockets.ts';
import { readCommand } from '../kernel/commands.ts';
import { coloured, plain } from '../render/style.ts';
import { sequenceLines } from '../render/sequence-diagram.ts';
import { transitionJson } from '../render/trace-json.ts';
import { traceHeader, traceLine, traceSummaryLines } from '../render/trace-text.ts';
import { tracedSequence } from '../render/traced-sequence.ts';
import { openTrace, type OpenedTrace } from '../trace/open-trace.ts';
import type { TraceMethod } from '../trace/trace-source.ts';
import { parseDurationOption } from './duration-option.ts';
import { readFilter, withPosition } from './filter-argument.ts';
import { print, printError } from './output.ts';
import { wantsColour } from './terminal.ts';
import { UserError } from './user-error.ts';

/** How often the kernel's buffer is looked at, ms. */
const INTERVAL_MS = 20;

interface TraceOptions {
  readonly pid?: number;
  readonly for?: number;
  readonly count?: number;
  readonly json?: boolean;
  readonly summary?: boolean;
  readonly diagram?: boolean;
  readonly with?: TraceMethod;
}

export function registerTrace(program: Command): void {
  program
    .command('trace')
    .description(
      'show TCP state transitions as they happen: why, how long the state lasted, which program',
    )
    .argument('[filter...]', 'as of ls, on the socket after the change; not pid, comm or age')
    .option('--pid <n>', 'only sockets that this process opened, listens for or closes', parsePid)
    .addOption(
      new Option('--for <duration>', 'stop after this; else at Ctrl-C').argParser(
        parseDurationOption,
      ),
    )
    .addOption(new Option('--count <n>', 'stop after so many transitions').argParser(parsePositive))
    .option('--json', 'one JSON object a line')
    .option('--summary', 'count instead, and print the sums at the end')
    .option('--diagram', 'draw the first connection that ends, and stop')
    .addOption(
      new Option('--with <method>', 'trace in this way or not at all').choices([
        'BPF',
        'tracefs',
        'destroy multicast',
      ]),
    )
    .addHelpText(
      'after',
      `
Traces all network namespaces where BPF or tracefs are allowed (root), else the end of this one's sockets.
Process: who made the change by a system call; in brackets who has the socket. TIME-WAIT's end is not announced by
the kernel. Examples:
  lastack trace 'dport = :5432'
  lastack trace state close-wait --json
  lastack trace --summary --for 10s`,
    )
    .action((words: readonly string[], options: TraceOptions) => trace(words, options));
}

async function trace(words: readonly string[], options: TraceOptions): Promise<void> {
  const filter = readFilter(words);
  const unknown = unknownToTrace(filter);
  if (unknown !== null) throw new UserError(`trace cannot filter by ${unknown}.`);
  const matches = withPosition(words.join(' '), () => createMatcher(filter));
  const opened = openTrace(options.with);
  if (opened.kind === 'unavailable') {
    throw new UserError(`Cannot trace: ${opened.reason}. To do it, ${opened.remedy}.`);
  }
  const { source } = opened.value;
  using stop = stopSignal(options.for);
  try {
    // Opened first, so that what changes meanwhile is not missed.
    const known = await readKnownSockets();
    const commandOf = (pid: number) => readCommand(pid) ?? '';
    const follower = createFollower({
      known: source.method === 'tracefs' ? NONE : known,
      commandOf,
    });
    const sink = createSink(options, source.method !== 'tracefs');
    printError(`${openingNote(opened.value)}\n`);
    sink.start();
    while (!stop.signal.aborted && !sink.isDone()) {
      source.poll((record) => {
        const transition = follower.follow(record);
        if (transition === null || sink.isDone()) return;
        if (matches(record, transition) && concerns(transition, options.pid)) {
          sink.take(transition);
        }
      });
      sink.flush();
      await delay(INTERVAL_MS, undefined, { signal: stop.signal }).catch(() => {});
    }
    sink.end(source.lost());
  } finally {
    source[Symbol.dispose]();
  }
}

const NONE: ReadonlyMap<number, KnownSocket> = new Map();

function concerns({ process, holder }: ObservedTransition, pid: number | undefined): boolean {
  return pid === undefined || process?.pid === pid || holder?.pid === pid;
}

function openingNote({ source, refused }: OpenedTrace): string {
  const because = refused.map(({ method, reason, remedy }) => `${method}: ${reason}; ${remedy}`);
  const why = because.length === 0 ? '' : ` (${because.join(' · ')})`;
  const limits = source.limits === null ? '' : `. Not known: ${source.limits}`;
  return `lastack: tracing by ${source.method}${why}${limits}. Ctrl-C ends it.`;
}

/** Where transitions go, by the options. */
interface Sink {
  start(): void;
  take(transition: ObservedTransition): void;
  flush(): void;
  isDone(): boolean;
  end(lost: number): void;
}

function createSink(options: TraceOptions, hasCookies: boolean): Sink {
  const paint = wantsColour() ? coloured : plain;
  const limit = options.count ?? Infinity;
  let taken = 0;
  let lines: string[] = [];
  const flush = () => {
    if (lines.length > 0) print(`${lines.join('\n')}\n`);
    lines = [];
  };
  const isDone = () => taken >= limit;
  const note = (lost: number) => {
    if (lost > 0)
      printError(`lastack: ${lost} transitions were lost: the kernel's buffer was full\n`);
  };
  if (options.summary === true) {
    const summary = createSummarizer();
    return {
      start() {},
      take(transition) {
        taken++;
        summary.add(transition);
      },
      flush() {},
      isDone,
      end(lost) {
        if (options.json === true) {
          print(
            `${JSON.stringify({ schema: 'lastack.trace-summary/1', lost, ...summary.result() })}\n`,
          );
        } else print(`${traceSummaryLines(summary.result(), lost, paint).join('\n')}\n`);
      },
    };
  }
  if (options.diagram === true) return createDiagramSink(note);
  return {
    start() {
      if (options.json !== true) print(`${traceHeader(paint)}\n`);
    },
    take(transition) {
      taken++;
      lines.push(
        options.json === true ? transitionJson(transition, hasCookies) : traceLine(transition),
      );
    },
    flush,
    isDone,
    end(lost) {
      flush();
      note(lost);
    },
  };
}

/** Draws the first connection that is over; at the end of the time, the last one that was seen. */
function createDiagramSink(note: (lost: number) => void): Sink {
  const connections = createConnections();
  let finished: readonly ObservedTransition[] | null = null;
  return {
    start() {},
    take: (transition) => void (finished ??= connections.add(transition)),
    flush() {},
    isDone: () => finished !== null,
    end(lost) {
      const drawn = finished ?? connections.unfinished().at(-1);
      if (drawn === undefined) print('No connection changed its state.\n');
      else print(`${sequenceLines(tracedSequence(drawn)).join('\n')}\n`);
      note(lost);
    },
  };
}

/** Aborted by Ctrl-C, by SIGTERM, or when the time is over. */
function stopSignal(afterMs: number | undefined): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const stop = () => controller.abort();
  const timer = afterMs === undefined ? undefined : setTimeout(stop, afterMs);
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      process.off('SIGINT', stop).off('SIGTERM', stop);
    },
  };
}

function parsePid(text: string): number {
  const pid = Number(text);
  if (!Number.isInteger(pid) || pid < 1) throw new InvalidArgumentError('Give a process number.');
  return pid;
}

function parsePositive(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) {
    throw new InvalidArgumentError('Give a whole number from 1.');
  }
  return count;
}
