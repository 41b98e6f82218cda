/** What happened between two ends, to be drawn from top to bottom. */
export interface SequenceDiagram {
  readonly left: string;
  readonly right: string;
  /** In the order of the clock. */
  readonly rows: readonly SequenceRow[];
}

export type SequencePlace = 'left' | 'right';

/** One line: what each end did or became then, and the segment that went between them. */
export interface SequenceRow {
  /** Milliseconds from the start. */
  readonly at: number;
  readonly left: string;
  readonly right: string;
  readonly arrow: SequenceArrow | null;
}

export interface SequenceArrow {
  readonly from: SequencePlace;
  readonly label: string;
  /**
   * Whole, unless another segment crosses it: then it is `sent` on one line and `arrives` on a later one. A `copy` is
   * a second arrival.
   */
  readonly part: 'whole' | 'sent' | 'arrives' | 'lost' | 'copy';
}

const TIME_WIDTH = 9;
const END_WIDTH = 15;
const ARROW_WIDTH = 34;
/** A pause so long gets a line of its own, in milliseconds. */
export const PAUSE = 1000;

/** The diagram as lines of text, 78 columns wide: times, the left end, arrows, the right end. */
export function sequenceLines({ left, right, rows }: SequenceDiagram): string[] {
  const lines = [lineOf('', left, '', right)];
  let last = 0;
  for (const row of rows) {
    if (row.at - last >= PAUSE) lines.push(lineOf('', '⋮', '', '⋮'));
    lines.push(lineOf(timeOf(row.at), row.left, arrowText(row.arrow), row.right));
    last = row.at;
  }
  return lines;
}

function arrowText(arrow: SequenceArrow | null): string {
  if (arrow === null) return '';
  const { from, label, part } = arrow;
  const text = part === 'copy' ? ` ${label}, late copy ` : ` ${label} `;
  const room = Math.max(2, ARROW_WIDTH - 1 - text.length);
  // The half of a crossed arrow that is elsewhere is dotted.
  const tail = part === 'arrives' || part === 'copy' ? '┄' : '─';
  const head = part === 'sent' ? '┄' : '─';
  const before = Math.ceil(room / 2);
  const after = room - before;
  if (from === 'left')
    return `${tail.repeat(before)}${text}${head.repeat(after)}${tipOf(part, '▶')}`;
  return `${tipOf(part, '◀')}${head.repeat(after)}${text}${tail.repeat(before)}`;
}

function tipOf(part: SequenceArrow['part'], tip: string): string {
  if (part === 'lost') return '✕';
  return part === 'sent' ? '┄' : tip;
}

function lineOf(time: string, left: string, arrow: string, right: string): string {
  const cells = [
    time.padStart(TIME_WIDTH),
    '  ',
    left.padEnd(END_WIDTH),
    arrow.padEnd(ARROW_WIDTH),
    ' ',
    right,
  ];
  return cells.join('').trimEnd();
}

/** Milliseconds below a second, then seconds, and minutes where they are whole. */
export function timeOf(at: number): string {
  if (at < 1000) return `${Math.round(at * 10) / 10} ms`;
  if (at >= 120_000 && at % 60_000 === 0) return `${at / 60_000} min`;
  return `${Number((at / 1000).toFixed(at < 10_000 ? 2 : 1))} s`;
}
