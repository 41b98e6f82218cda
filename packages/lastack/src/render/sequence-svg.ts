import { PAUSE, timeOf, type SequenceArrow, type SequenceDiagram } from './sequence-diagram.ts';

const WIDTH = 760;
const ROW = 30;
const HEAD = 52;
const FOOT = 24;
const TIME_X = 66;
/** Where the two lifelines stand. */
const LEFT_X = 220;
const RIGHT_X = 590;
const GAP = 12;
/** A segment takes time: it arrives so much lower. */
const SLOPE = 10;

/** Readable on light and on dark pages alike: it brings its own background for both. */
const STYLE = `
  .page { fill: #ffffff } text { fill: #1f2328; font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; paint-order: stroke; stroke: #ffffff; stroke-width: 4px }
  .time, .pause { fill: #59636e } .end { font-weight: bold } .line { stroke: #818b98; stroke-width: 1.5; fill: none }
  .arrow { stroke: #0969da; stroke-width: 1.5; fill: none } .tip { fill: #0969da } .lost { stroke: #cf222e; stroke-width: 2 }
  .dotted { stroke-dasharray: 3 4 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } text { fill: #e6edf3; stroke: #0d1117 } .time, .pause { fill: #9198a1 } .line { stroke: #656c76 }
    .arrow { stroke: #4493f8 } .tip { fill: #4493f8 } .lost { stroke: #f85149 }
  }`;

/** The diagram as an SVG document, with `title` and `description` for those who cannot see it. */
export function sequenceSvg(
  { left, right, rows }: SequenceDiagram,
  title: string,
  description: string,
): string {
  const parts: string[] = [];
  /** Where arrows began that others cross, until they arrive. */
  const begun = new Map<string, number[]>();
  let y = HEAD + ROW / 2;
  let last = 0;
  for (const row of rows) {
    if (row.at - last >= PAUSE) {
      parts.push(text('pause', LEFT_X, y, 'middle', '⋮'), text('pause', RIGHT_X, y, 'middle', '⋮'));
      y += ROW;
    }
    last = row.at;
    parts.push(text('time', TIME_X, y, 'end', timeOf(row.at)));
    const isTip = row.arrow !== null && row.arrow.part === 'whole' ? SLOPE : 0;
    const fromLeft = row.arrow?.from !== 'right';
    if (row.left !== '')
      parts.push(text('', LEFT_X - GAP, y + (fromLeft ? 0 : isTip), 'end', row.left));
    if (row.right !== '')
      parts.push(text('', RIGHT_X + GAP, y + (fromLeft ? isTip : 0), 'start', row.right));
    if (row.arrow !== null) {
      const key = `${row.arrow.from} ${row.arrow.label}`;
      if (row.arrow.part === 'sent') begun.set(key, [...(begun.get(key) ?? []), y]);
      const from = row.arrow.part === 'arrives' ? begun.get(key)?.shift() : undefined;
      parts.push(...(from === undefined ? arrow(row.arrow, y) : slantedArrow(row.arrow, from, y)));
    }
    y += ROW;
  }
  const height = y + FOOT - ROW / 2;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="description">${escaped(description)}</desc>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}" rx="8"/>`,
    text('end', LEFT_X, HEAD - 24, 'middle', left),
    text('end', RIGHT_X, HEAD - 24, 'middle', right),
    `<path class="line" d="M${LEFT_X} ${HEAD - 12}V${height - 12}M${RIGHT_X} ${HEAD - 12}V${height - 12}"/>`,
    ...parts.filter((part) => !isText(part)),
    // Above the lines that cross them.
    ...parts.filter(isText),
    '</svg>',
  ].join('\n')}\n`;
}

function arrow({ from, label, part }: SequenceArrow, y: number): string[] {
  const isRightward = from === 'left';
  const start = isRightward ? LEFT_X : RIGHT_X;
  const end = isRightward ? RIGHT_X : LEFT_X;
  const middle = (LEFT_X + RIGHT_X) / 2;
  const named = part === 'copy' ? `${label}, late copy` : label;
  const labelled = text('', middle, y - 5, 'middle', named);
  switch (part) {
    case 'whole':
      return [labelled, line('arrow', start, y, end, y + SLOPE), tip(end, y + SLOPE, isRightward)];
    case 'lost': {
      const at = start + (end - start) * 0.8;
      return [
        labelled,
        line('arrow', start, y, at, y),
        `<path class="lost" d="M${at - 5} ${y - 5}l10 10m0 -10l-10 10"/>`,
      ];
    }
    // Its line is drawn when it arrives.
    case 'sent':
      return [text('', start + (end - start) / 8, y - 5, 'middle', named)];
    case 'arrives':
    case 'copy':
      return [
        labelled,
        line('arrow dotted', start, y, middle, y),
        line('arrow', middle, y, end, y),
        tip(end, y, isRightward),
      ];
    default:
      return part satisfies never;
  }
}

/** From where it was sent, past what crosses it. */
function slantedArrow({ from }: SequenceArrow, y1: number, y2: number): string[] {
  const isRightward = from === 'left';
  const start = isRightward ? LEFT_X : RIGHT_X;
  const end = isRightward ? RIGHT_X : LEFT_X;
  return [line('arrow', start, y1, end, y2), tip(end, y2, isRightward)];
}

function line(style: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<path class="${style}" d="M${x1} ${y1}L${x2} ${y2}"/>`;
}

function tip(x: number, y: number, isRightward: boolean): string {
  const back = isRightward ? -9 : 9;
  return `<path class="tip" d="M${x} ${y}l${back} -5v10z"/>`;
}

function isText(part: string): boolean {
  return part.startsWith('<text');
}

/** Text whose middle stands at the height `y`. */
function text(
  style: string,
  x: number,
  y: number,
  anchor: 'start' | 'middle' | 'end',
  content: string,
): string {
  const attribute = style === '' ? '' : ` class="${style}"`;
  return `<text${attribute} x="${x}" y="${y + (anchor === 'middle' ? 0 : 4)}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
