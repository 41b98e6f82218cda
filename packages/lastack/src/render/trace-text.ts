import {
  grouped,
  printable,
  type Endpoint,
  type ObservedTransition,
  type TracedProcess,
  type TraceSummary,
} from '@lastack/core';
import { compactDuration } from './duration.ts';
import type { Paint } from './style.ts';

const CHANGE_WIDTH = 27;
const AFTER_WIDTH = 8;
const ENDPOINTS_WIDTH = 44;
const CAUSE_WIDTH = 24;

export function traceHeader(paint: Paint): string {
  return paint('bold', cells('Time', 'State', 'After', 'Local → remote', 'Why', 'Process'));
}

/** One transition on one line. */
export function traceLine(transition: ObservedTransition): string {
  const { from, to, fromMs, local, remote, process, holder, closedFirst } = transition;
  return cells(
    clockOf(transition.atMs),
    `${from ?? '?'} → ${to}`,
    fromMs === null ? '-' : preciseDuration(fromMs),
    `${endpointText(local)} → ${endpointText(remote)}`,
    causeText(transition, closedFirst),
    process === null ? heldBy(holder) : processText(process),
  );
}

function cells(
  time: string,
  change: string,
  after: string,
  endpoints: string,
  cause: string,
  process: string,
): string {
  return [
    time.padEnd(12),
    change.padEnd(CHANGE_WIDTH),
    after.padStart(AFTER_WIDTH),
    endpoints.padEnd(ENDPOINTS_WIDTH),
    cause.padEnd(CAUSE_WIDTH),
    process,
  ]
    .join('  ')
    .trimEnd();
}

/** What the side that closed first is worth: it is the one that gets the TIME-WAIT. */
function causeText(
  { to, cause, isAllowed }: ObservedTransition,
  first: 'local' | 'remote' | null,
): string {
  if (!isAllowed) return 'FORBIDDEN by RFC 9293';
  if (to !== 'CLOSED' || first === null || cause !== 'receive ACK of FIN') return cause;
  return `${cause} (${first === 'local' ? 'closed' : 'peer closed'} first)`;
}

/** Nobody made the change by a system call; the program that has the socket is in brackets. */
function heldBy(holder: TracedProcess | null): string {
  return holder === null ? '' : `(${processText(holder)})`;
}

function processText({ pid, command }: TracedProcess): string {
  return `${printable(command) || '?'} ${pid}`;
}

export function endpointText({ address, port }: Endpoint): string {
  const shown = address.includes(':') ? `[${address}]` : address;
  return `${shown}:${port === 0 ? '*' : port}`;
}

/** The local clock to the millisecond. */
function clockOf(atMs: number): string {
  const date = new Date(atMs);
  const two = (value: number) => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${time}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** Like compactDuration(), with microseconds below 10 ms: `0.041ms`. */
function preciseDuration(ms: number): string {
  return ms < 10 ? `${Math.max(0, ms).toFixed(3)}ms` : compactDuration(ms);
}

/** What a trace has seen as a whole. */
export function traceSummaryLines(summary: TraceSummary, lost: number, paint: Paint): string[] {
  const { transitions, changes, times, closedFirst, endings, forbidden } = summary;
  const lines = [
    paint('bold', `${grouped(transitions)} transitions, ${grouped(lost)} lost`),
    ...(forbidden > 0 ? [`${grouped(forbidden)} of them forbidden by RFC 9293`] : []),
  ];
  if (changes.length > 0) {
    lines.push('', paint('bold', 'Changes'));
    for (const { from, to, count } of changes) {
      lines.push(`  ${grouped(count).padStart(11)}  ${from ?? '?'} → ${to}`);
    }
  }
  if (times.length > 0) {
    lines.push('', paint('bold', `Time in state        count    median       p99       max`));
    for (const { state, count, medianMs, p99Ms, maxMs } of times) {
      const columns = [medianMs, p99Ms, maxMs].map((ms) => preciseDuration(ms).padStart(8));
      lines.push(`  ${state.padEnd(13)} ${grouped(count).padStart(9)}  ${columns.join('  ')}`);
    }
  }
  if (closedFirst.local + closedFirst.remote > 0) {
    lines.push(
      '',
      `${paint('bold', 'Closed first')}  here ${grouped(closedFirst.local)}, the peer ${grouped(closedFirst.remote)}`,
    );
  }
  if (endings.length > 0) {
    const texts = endings.map(({ cause, count }) => `${cause} ${grouped(count)}`);
    lines.push(`${paint('bold', 'Ended by')}      ${texts.join(', ')}`);
  }
  return lines;
}
