import { grouped, type Endpoint, type TraceSummary } from '@lastack/core';
import { compactDuration } from './duration.ts';
import type { Paint } from './style.ts';

export function endpointText({ address, port }: Endpoint): string {
  const shown = address.includes(':') ? `[${address}]` : address;
  return `${shown}:${port === 0 ? '*' : port}`;
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
  if (changes.some(({ to }) => to === 'TIME-WAIT')) {
    lines.push('', 'The end of TIME-WAIT is not counted: the kernel does not announce it.');
  }
  return lines;
}
