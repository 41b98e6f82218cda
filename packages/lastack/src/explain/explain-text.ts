import type { Fix } from '@lastack/core';
import { sequenceLines } from '../render/sequence-diagram.ts';
import type { Paint } from '../render/style.ts';
import { wrap } from '../render/wrap.ts';
import { waysInto, waysOutOf, type Way } from './arrows.ts';
import { plainProse } from './plain-prose.ts';
import type { Shown } from './simulation.ts';
import { pageOf } from './subjects.ts';
import type { Block, FindingSubject, Myth, Sample, StateSubject, Subject } from './subject.ts';
import type { Topic } from './topic.ts';
import { trialText, type TimeWaitTrial } from './why-time-wait.ts';

const LABEL_WIDTH = 9;
const GAP = 2;
/** Of the width of a table, for any column but the last. */
const MOST_OF_ROW = 0.4;
const LEAST_COLUMN = 20;

/** What is shown of a subject besides its text. */
export interface Executed {
  /** Null where nothing of the subject happens between two ends of a connection. */
  readonly shown: Shown | null;
  /** Of TIME-WAIT only. */
  readonly trial: TimeWaitTrial | null;
}

/** A subject as a person reads it, in two screens. */
export function explainLines(
  subject: Subject,
  executed: Executed,
  paint: Paint,
  width: number,
): string[] {
  return [
    `${paint('bold', subject.id)}   ${plainProse(subject.title)}`,
    ...blockLines(subject.meaning, width),
    ...simulationLines(subject, executed, width),
    ...(subject.kind === 'state'
      ? stateLines(subject, paint, width)
      : findingLines(subject, paint, width)),
    ...field('more', [pageOf(subject)], paint, width),
  ];
}

/** What is believed of a word and what is so, and where there is more. */
export function topicLines(
  { name, myths, subjects }: Topic,
  paint: Paint,
  width: number,
): string[] {
  return [
    `${paint('bold', name)}   ${myths.length === 0 ? 'no state and no finding by itself' : 'what is believed of it, and what is so'}`,
    ...blockLines(
      [{ list: myths.map(({ claim, truth, subject }) => `${claim} ${truth} (${subject})`) }],
      width,
    ),
    ...field(
      'more',
      [`lastack explain ${subjects.map((id) => id.toLowerCase()).join(', ')}`],
      paint,
      width,
    ),
  ];
}

function simulationLines(subject: Subject, { shown, trial }: Executed, width: number): string[] {
  const { simulation } = subject;
  if (simulation === null || shown === null) return [''];
  return [
    '',
    // What it shows is true of the run that was chosen for it, and need not be of a varied one.
    ...wrap(
      shown.isVaried ? 'Simulated, varied.' : `Simulated. ${plainProse(simulation.shows)}`,
      width,
    ),
    ...wrap(shown.conditions, width),
    ...sequenceLines(shown.diagram),
    ...(trial === null ? [] : trialLines(trial, width)),
    '',
  ];
}

function trialLines(trial: TimeWaitTrial, width: number): string[] {
  const { question, answers } = trialText(trial);
  return [
    '',
    ...wrap(`Just now ${question}`, width),
    ...answers.map(([count, kind]) => `${count.padStart(LABEL_WIDTH)}  ${kind}`),
  ];
}

function stateLines(state: StateSubject, paint: Paint, width: number): string[] {
  const other = state.alsoCalled.filter((name) => name !== state.id);
  return [
    ...field('also', other.length === 0 ? [] : [other.join(', ')], paint, width),
    ...field('in', waysInto(state.id).map(wayText('from')), paint, width),
    ...field('out', waysOutOf(state.id).map(wayText('to')), paint, width),
    ...field('lasts', [state.lasts], paint, width),
    ...field('normal', state.normal, paint, width),
    ...field('fault', state.fault, paint, width),
    ...field('reports', [state.findings.join(', ')], paint, width),
    ...codeField('see', state.see, paint),
    ...(state.fix === null ? [] : adviceLines(state.fix, paint, width)),
    ...mythLines(state.myths, paint, width),
  ];
}

/** The doctor's words are not Markdown, but for the marks of code. */
function adviceLines({ summary, steps }: Fix, paint: Paint, width: number): string[] {
  const texts = [summary, ...steps.map(({ language, text }) => `${language}: ${text}`)];
  const lines = texts.flatMap((text) => wrap(text.replaceAll('`', ''), width - LABEL_WIDTH));
  return besideLabel('fix', lines, paint);
}

function findingLines(finding: FindingSubject, paint: Paint, width: number): string[] {
  const { advice, first, samples } = finding.fix;
  return [
    ...field('why', finding.causes, paint, width),
    ...field('normal', finding.normal, paint, width),
    ...codeField('see', finding.see, paint),
    ...field('fix', [advice.summary, ...first], paint, width),
    ...samples.flatMap((sample) => sampleLines(sample, paint, width)),
    ...mythLines(finding.myths, paint, width),
  ];
}

function wayText(preposition: 'from' | 'to') {
  return ({ on, sends, states, sources }: Way): string => {
    const answer = sends === null ? '' : `, sends ${sends}`;
    const remarks = sources.flatMap(remarkOf);
    const remark = remarks.length === 0 ? '' : ` [${remarks.join('; ')}]`;
    return `${on}${answer}: ${preposition} ${states.join(', ')}${remark}`;
  };
}

/** `RFC 9293 §3.10.8: retransmissions …` says more than where it is written, and so does what Linux adds. */
function remarkOf(source: string): string[] {
  if (source.startsWith('Linux')) return [source];
  const [, remark] = source.split(': ');
  return remark === undefined ? [] : [remark];
}

function mythLines(myths: readonly Myth[], paint: Paint, width: number): string[] {
  return field(
    'myths',
    myths.map(({ claim, truth }) => `${claim} ${truth}`),
    paint,
    width,
  );
}

function sampleLines(
  { language, note, code, after }: Sample,
  paint: Paint,
  width: number,
): string[] {
  const name = language === 'host' ? 'host' : language;
  return [
    ...field(name, note === undefined ? [] : [note], paint, width),
    ...codeField(note === undefined ? name : '', code ?? '', paint),
    ...field(
      note === undefined && code === undefined ? name : '',
      after === undefined ? [] : [after],
      paint,
      width,
    ),
  ];
}

/** A label, and paragraphs, lists and tables beside it. */
function field(label: string, blocks: readonly Block[], paint: Paint, width: number): string[] {
  return besideLabel(label, blockLines(blocks, width - LABEL_WIDTH), paint);
}

function codeField(label: string, code: string, paint: Paint): string[] {
  return code === '' ? [] : besideLabel(label, code.split('\n'), paint);
}

function besideLabel(label: string, lines: readonly string[], paint: Paint): string[] {
  return lines.map((line, index) =>
    index === 0
      ? `${paint('bold', label.padEnd(LABEL_WIDTH))}${line}`
      : `${' '.repeat(LABEL_WIDTH)}${line}`.trimEnd(),
  );
}

function blockLines(blocks: readonly Block[], width: number): string[] {
  return blocks.flatMap((block) => {
    if (typeof block === 'string') return wrap(plainProse(block), width);
    if ('list' in block) return block.list.flatMap((item) => itemLines(item, width));
    return tableLines([block.head, ...block.rows], width);
  });
}

function itemLines(item: string, width: number): string[] {
  return wrap(plainProse(item), width - 2).map((line, index) =>
    index === 0 ? `- ${line}` : `  ${line}`,
  );
}

/** Columns as wide as their widest cell, within reason; longer cells are wrapped. */
function tableLines(rows: readonly (readonly string[])[], width: number): string[] {
  const cells = rows.map((row) => row.map(plainProse));
  const widest = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const before = widest.slice(0, -1).map((each) => Math.min(each, Math.floor(width * MOST_OF_ROW)));
  const left = width - before.reduce((sum, each) => sum + each + GAP, 0);
  const widths = [...before, Math.max(LEAST_COLUMN, left)];
  return cells.flatMap((row) => {
    const wrapped = row.map((cell, column) => wrap(cell, widths[column]));
    const height = Math.max(...wrapped.map(({ length }) => length));
    return Array.from({ length: height }, (_, index) =>
      wrapped
        .map((lines, column) => (lines[index] ?? '').padEnd(widths[column] + GAP))
        .join('')
        .trimEnd(),
    );
  });
}
