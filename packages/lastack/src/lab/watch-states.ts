import {
  ALL_STATES_MASK,
  cookieOf,
  localPortOf,
  remotePortOf,
  stateOf,
  stateOfKernel,
} from '@lastack/core';
import { readSockets } from '../gather/sockets.ts';
import { openTrace } from '../trace/open-trace.ts';
import type { TraceSource } from '../trace/trace-source.ts';
import { openHistoryBook, type HistoryBook, type SocketHistory } from './socket-history.ts';

/** How often to look where states cannot be traced, ms: those that last shorter are missed. */
const SAMPLE_MS = 20;
/** How often to look beside the trace, for what it cannot show. */
const CONFIRM_MS = 200;

/** The states of the connections to one port in our network namespace, from now on. */
export interface StateWatch extends Disposable {
  readonly method: 'BPF' | 'sock_diag';
  /** What was seen so far; looks once more. */
  histories(): readonly SocketHistory[];
}

/** Traces by BPF where that is allowed, else looks again and again through sock_diag. */
export function watchStates(port: number): StateWatch {
  const netns = ownNetns();
  const opened = openTrace('BPF');
  const source = opened.kind === 'ok' ? opened.value.source : null;
  const book = openHistoryBook({ isTraced: source !== null, port });
  const before = presentSockets();
  const look = () => {
    if (source !== null) readTrace(source, netns, book);
    readDump(book, before, source === null);
  };
  const timer = setInterval(look, source === null ? SAMPLE_MS : CONFIRM_MS);
  return {
    method: source === null ? 'sock_diag' : 'BPF',
    histories() {
      look();
      return book.histories();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      source?.[Symbol.dispose]();
    },
  };
}

function readTrace(source: TraceSource, netns: number, book: HistoryBook): void {
  source.poll(({ socket, netns: where, atMs, from, to, localPort, remotePort }) => {
    const state = stateOfKernel(to);
    const isListener =
      state === 'LISTEN' || (stateOfKernel(from) === 'LISTEN' && state === 'CLOSED');
    if (where === netns && !isListener) book.add(socket, { state, atMs, localPort, remotePort });
  });
}

function readDump(book: HistoryBook, before: ReadonlySet<number>, isAll: boolean): void {
  const read = readSockets({ states: ALL_STATES_MASK, info: 'none', netns: 'own' });
  if (read.kind === 'unavailable') return;
  const { table } = read.value;
  const atMs = Date.now();
  const present = new Set<number>();
  for (let row = 0; row < table.count; row++) {
    const cookie = cookieOf(table, row);
    const state = stateOf(table, row);
    present.add(cookie);
    if (state === 'LISTEN' || state === 'CLOSED' || before.has(cookie)) continue;
    const seen = {
      state,
      atMs,
      localPort: localPortOf(table, row),
      remotePort: remotePortOf(table, row),
    };
    if (isAll) book.add(cookie, seen);
    // A trace tells the others itself.
    else if (state === 'TIME-WAIT' || (state === 'FIN-WAIT-2' && table.inode[row] === 0)) {
      book.addAfter(cookie, seen);
    }
  }
  book.retain(present, atMs);
}

/** The cookies of the sockets that are there already; they are none of ours. */
function presentSockets(): ReadonlySet<number> {
  const read = readSockets({ states: ALL_STATES_MASK, info: 'none', netns: 'own' });
  if (read.kind === 'unavailable') return new Set();
  const { table } = read.value;
  return new Set(Array.from({ length: table.count }, (_, row) => cookieOf(table, row)));
}

function ownNetns(): number {
  const read = readSockets({ states: 0, info: 'none', netns: 'own' });
  return read.kind === 'ok' ? (read.value.netns[0]?.inode ?? 0) : 0;
}
