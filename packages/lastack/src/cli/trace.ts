import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import {
  createConnections,
  createFollower,
  createMatcher,
  createSummarizer,
  unknownToTrace,
  type Filter,
  type KnownSocket,
  type ObservedTransition,
  type TraceRecord,
} from '@lastack/core';
import { readKnownSockets } from '../gather/known-sockets.ts';
import { sharesSockets } from '../gather/shared-sockets.ts';
import { ByteWriter } from '../render/byte-writer.ts';
import { coloured, plain } from '../render/style.ts';
import { sequenceLines } from '../render/sequence-diagram.ts';
import { TraceJsonLines } from '../render/trace-json.ts';
import { TraceLines } from '../render/trace-lines.ts';
import { traceSummaryLines } from '../render/trace-text.ts';
import { tracedSequence } from '../render/traced-sequence.ts';
import { openTrace, type OpenedTrace } from '../trace/open-trace.ts';
import type { TraceMethod } from '../trace/trace-source.ts';
import { parseDurationOption } from './duration-option.ts';
import { readFilter, withPosition } from './filter-argument.ts';
import { print, printError, writeAll } from './output.ts';
import { wantsColour } from './terminal.ts';
import { UserError } from './user-error.ts';

/** How often the kernel's buffer is looked at, ms. */
const INTERVAL_MS = 20;
/** After so many records the next look comes earlier, before the buffer is full. */
const MANY = 5000;
const BUSY_INTERVAL_MS = 5;

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
Process: who made the change by a system call; in brackets who has the socket. What the kernel does not announce:
the end of TIME-WAIT; an orphan's FIN-WAIT-2; how long a server's connection was in SYN-RECEIVED (the SYN and the
ACK are announced together). Examples:
  lastack trace 'dport = :5432'
  lastack trace state close-wait --json
  lastack trace --summary --for 10s`,
    )
    .action((words: readonly string[], options: TraceOptions) => trace(words, options));
}

async function trace(words: readonly string[], options: TraceOptions): Promise<void> {
  if (options.pid !== undefined && !existsSync(`/proc/${options.pid}`)) {
    throw new UserError(
      `There is no process ${options.pid}. List those that hold sockets with: lastack ls`,
    );
  }
  const filter = readFilter(words);
  const text = words.join(' ');
  const matches = withPosition(text, () => createMatcher(filter));
  refuseUnknown(filter, true, '');
  const opened = openTrace(options.with);
  if (opened.kind === 'unavailable') {
    throw new UserError(`Cannot trace: ${opened.reason}. To do it, ${opened.remedy}.`);
  }
  const { source } = opened.value;
  using stop = stopSignal(options.for);
  try {
    refuseUnknown(filter, source.knowsNetns, ` by ${source.method}`);
    // Opened first, so that what changes meanwhile is not missed.
    const known = await readKnownSockets();
    const follower = createFollower({
      known: source.hasCookies ? known : withoutCookies(known),
      isShared: sharesSockets,
    });
    const sink = createSink(options, source.hasCookies);
    const { pid } = options;
    const isOfPid = pid === undefined ? null : (each: ObservedTransition) => concerns(each, pid);
    const record = (each: TraceRecord) => {
      const transition = follower.follow(each);
      if (transition === null || sink.isDone() || !matches(each, transition)) return;
      if (isOfPid === null || isOfPid(transition)) sink.take(transition);
    };
    printError(`${openingNote(opened.value)}\n`);
    sink.start();
    for (let isOver = false; !isOver;) {
      // Asked before the last look, which shows what was still in the buffer.
      isOver = stop.signal.aborted;
      const count = source.poll(record);
      sink.flush();
      isOver ||= sink.isDone();
      if (!isOver) await pause(count > MANY ? BUSY_INTERVAL_MS : INTERVAL_MS, stop.signal);
    }
    sink.end(source.lost());
  } finally {
    source[Symbol.dispose]();
  }
}

function refuseUnknown(filter: Filter, knowsNetns: boolean, how: string): void {
  const unknown = unknownToTrace(filter, knowsNetns);
  if (unknown !== null) throw new UserError(`trace${how} cannot filter by ${unknown}.`);
}

/** Where sockets have other numbers, who listens where is all that can be used. */
function withoutCookies(known: ReadonlyMap<number, KnownSocket>): Map<number, KnownSocket> {
  const listening = [...known].flatMap(([cookie, { state, holder, listensAt }]) =>
    listensAt === null
      ? []
      : [[-cookie, { state, holder, listensAt: { ...listensAt, netns: null } }] as const],
  );
  return new Map(listening);
}

function concerns({ process, holder }: ObservedTransition, pid: number): boolean {
  return process?.pid === pid || holder?.pid === pid;
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
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
  if (options.diagram === true) return createDiagramSink();
  const limit = options.count ?? Infinity;
  return options.summary === true
    ? createSummarySink(limit, options.json === true)
    : createLineSink(limit, options.json === true, hasCookies);
}

function createSummarySink(limit: number, isJson: boolean): Sink {
  const summary = createSummarizer();
  let taken = 0;
  return {
    start() {},
    take(transition) {
      taken++;
      summary.add(transition);
    },
    flush() {},
    isDone: () => taken >= limit,
    end(lost) {
      const result = summary.result();
      const paint = wantsColour() ? coloured : plain;
      const document = { schema: 'lastack.trace-summary/1', lost, ...result };
      const lines = isJson ? [JSON.stringify(document)] : traceSummaryLines(result, lost, paint);
      print(`${lines.join('\n')}\n`);
    },
  };
}

function createLineSink(limit: number, isJson: boolean, hasCookies: boolean): Sink {
  const writer = new ByteWriter((bytes) => writeAll(1, bytes));
  const text = new TraceLines(writer);
  const json = new TraceJsonLines(writer, hasCookies);
  let taken = 0;
  return {
    start() {
      if (!isJson) text.header(wantsColour() ? coloured : plain);
      writer.flush();
    },
    take(transition) {
      taken++;
      if (isJson) json.line(transition);
      else text.line(transition);
    },
    flush: () => writer.flush(),
    isDone: () => taken >= limit,
    end: noteLost,
  };
}

function noteLost(lost: number): void {
  if (lost === 0) return;
  printError(`lastack: ${lost} transitions were lost: the kernel's buffer was full\n`);
}

/** Draws the first connection that is over; at the end of the time, the last one that was seen. */
function createDiagramSink(): Sink {
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
      noteLost(lost);
    },
  };
}

/** Aborted by Ctrl-C, by SIGTERM, or when the time is over. */
function stopSignal(afterMs: number | undefined): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const stop = () => controller.abort();
  const timer = afterMs === undefined ? undefined : setTimeout(stop, afterMs);
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', stop);
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
