import type { TcpState } from '@lastack/core';
import type { Paint } from './style.ts';
import { proseDuration } from './duration.ts';

/** What a scenario of the lab says of itself. */
export interface LabScenarioView {
  readonly id: string;
  readonly title: string;
  readonly shows: string;
  readonly lookAt: string;
}

/** What came of it. */
export interface LabResultView {
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly reason: string | null;
  readonly network: 'namespace' | 'host';
  readonly method: string | null;
  readonly sides: readonly {
    readonly side: string;
    readonly expected: readonly TcpState[];
    readonly source: 'model' | 'scenario';
    readonly observed: readonly {
      readonly count: number;
      readonly states: readonly { readonly state: TcpState; readonly atMs: number }[];
    }[];
    readonly agrees: boolean;
  }[];
  readonly doctor: {
    readonly expected: readonly string[];
    readonly found: readonly {
      readonly rule: string;
      readonly cause: string | null;
      readonly title: string;
    }[];
    readonly agrees: boolean;
  } | null;
  readonly facts: readonly {
    readonly what: string;
    readonly observed: string;
    readonly agrees: boolean;
  }[];
  readonly ms: number;
}

const LABEL = 11;
const STATE = 15;
const OUTCOMES = { passed: 'PASS', failed: 'FAIL', skipped: 'SKIP' } as const;
const COLOURS = { passed: 'green', failed: 'red', skipped: 'yellow' } as const;

/** All scenarios, and the faults that none makes. */
export function labListLines(
  scenarios: readonly LabScenarioView[],
  notMade: readonly { readonly rule: string; readonly reason: string }[],
  width: number,
): string[] {
  const wide = Math.max(...scenarios.map(({ id }) => id.length)) + 2;
  return [
    ...scenarios.map(({ id, title }) => `${id.padEnd(wide)}${title}`),
    '',
    'lastack lab SCENARIO runs one, lastack lab all runs all of them. Not made:',
    ...notMade.flatMap(({ rule, reason }) => entry(rule.padEnd(wide), reason, width)),
  ];
}

/** One scenario: what it shows, what was to be seen, what was seen, and whether they agree. */
export function labResultLines(
  { id, title, shows, lookAt }: LabScenarioView,
  result: LabResultView,
  paint: Paint,
  width: number,
): string[] {
  const { outcome, reason, sides, doctor, facts, ms } = result;
  const verdict = paint(COLOURS[outcome], OUTCOMES[outcome]);
  const lines = [`${verdict}  ${paint('bold', id)}  ${title}`];
  const add = (label: string, text: string) =>
    void lines.push(...entry(`  ${label}`.padEnd(LABEL), text, width));
  if (reason !== null) add('why', reason);
  if (doctor === null) return lines;
  add('shows', shows);
  add('look at', lookAt);
  for (const side of sides) lines.push(...sideLines(side, paint));
  for (const { what, observed, agrees } of facts) {
    add('fact', `${what}: ${agrees ? observed : paint('red', `no, ${observed}`)}`);
  }
  const expected = doctor.expected.join(', ') || 'nothing to say';
  add('doctor', doctor.agrees ? `${expected}, as expected` : paint('red', `expected ${expected}`));
  for (const { rule, cause, title: said } of doctor.found) {
    add('', `${rule}${cause === null ? '' : ` (${cause})`}: ${said}`);
  }
  if (!doctor.agrees && doctor.found.length === 0) add('', 'found nothing');
  add('how', `${methodText(result)}; ${proseDuration(ms)}`);
  return lines;
}

/** How many passed, failed and were skipped. */
export function labSummaryLine(
  results: readonly Pick<LabResultView, 'outcome'>[],
  ms: number,
  paint: Paint,
): string {
  const count = (outcome: LabResultView['outcome']) =>
    results.filter((result) => result.outcome === outcome).length;
  const failed = count('failed');
  const text = `${count('passed')} passed, ${failed} failed, ${count('skipped')} skipped in ${proseDuration(ms)}`;
  return paint(failed > 0 ? 'red' : 'green', text);
}

function methodText({ method, network }: LabResultView): string {
  const where =
    network === 'namespace' ? 'in a network namespace of its own' : "on the host's own loopback";
  return method === 'BPF'
    ? `every change of state traced by BPF, ${where}`
    : `states sampled through sock_diag every 20 ms, so that short ones are missed, ${where}`;
}

/** The expected states of a side beside those that were observed, with their times. */
function sideLines(
  { side, expected, source, observed, agrees }: LabResultView['sides'][number],
  paint: Paint,
): string[] {
  const count = observed.reduce((sum, path) => sum + path.count, 0);
  const mark = agrees ? '' : paint('red', '  they differ');
  const from = source === 'model' ? 'by the model' : 'expected';
  const lines = [
    `  ${side.padEnd(LABEL - 2)}${from.padEnd(STATE)}${count === 0 ? 'never seen' : `observed, ${count} ${count === 1 ? 'connection' : 'connections'}`}${mark}`,
  ];
  const paths = observed.slice(0, agrees ? 1 : 3);
  const rows = Math.max(expected.length, ...paths.map(({ states }) => states.length));
  for (let row = 0; row < rows; row++) {
    const cells = paths.map(({ states }) => {
      const seen = states[row];
      return seen === undefined
        ? ''
        : `${seen.state.padEnd(STATE)}${`${seen.atMs} ms`.padStart(9)}`;
    });
    const wanted = (expected[row] ?? '').padEnd(STATE);
    lines.push(`${' '.repeat(LABEL)}${wanted}${cells.join('   ')}`.trimEnd());
  }
  return lines;
}

/** A label, and prose behind it that is broken at the width. */
function entry(label: string, text: string, width: number): string[] {
  const room = Math.max(20, width - label.length);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((each, at) => `${at === 0 ? label : ' '.repeat(label.length)}${each}`);
}
