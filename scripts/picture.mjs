// Draws docs/doctor.svg from what `lastack demo` really prints on a terminal: npm run picture
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const COLUMNS = 100;
const CHARACTER = 8.4;
const LINE = 20;
const MARGIN = 16;
/** The attributes of the text that comes next. */
let style = {};
const FILLS = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341' };

const command = `stty cols ${COLUMNS + 3}; node packages/lastack/bin/lastack.cjs demo`;
const terminal = execFileSync('script', ['-qec', command, '/dev/null'], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, TERM: 'xterm' },
});
/** Where the project lies on this machine is nobody's business. */
const root = fileURLToPath(new URL('..', import.meta.url));
const lines = terminal.replaceAll(root, '').split(/\r?\n/);
const plain = lines.map((line) => line.replaceAll(/\u001B\[[\d;]*m/g, ''));
const begin = plain.findIndex((line) => line.startsWith('2. lastack doctor'));
const end = plain.findIndex((line) => line.startsWith('3. '));
const shown = lines.slice(begin + 1, end - 1).map((line) => line.replace(/^ {3}/, ''));

const height = MARGIN * 2 + LINE * (shown.length + 1);
const width = MARGIN * 2 + CHARACTER * COLUMNS;
writeFileSync(
  'docs/doctor.svg',
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#e6edf3" xml:space="preserve">
${['$ lastack doctor --attach', ...shown].map(drawLine).join('\n')}
</g>
</svg>
`,
);

function drawLine(line, number) {
  const y = MARGIN + LINE * (number + 0.75);
  return `<text x="${MARGIN}" y="${y}">${line
    .split(/(?=\u001B\[)/)
    .map(drawPiece)
    .join('')}</text>`;
}

/** A piece of a line begins with at most one SGR sequence; the style lasts until the next. */
function drawPiece(piece) {
  const [, codes, text] = /^(?:\u001B\[([\d;]*)m)?(.*)$/s.exec(piece);
  for (const code of codes?.split(';') ?? []) style = styled(Number(code));
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const attributes = Object.entries(style).map(([name, value]) => ` ${name}="${value}"`);
  return attributes.length === 0 ? escaped : `<tspan${attributes.join('')}>${escaped}</tspan>`;
}

function styled(code) {
  if (code === 1) return { ...style, 'font-weight': 'bold' };
  if (code in FILLS) return { ...style, fill: FILLS[code] };
  const { 'font-weight': weight, fill } = style;
  if (code === 22) return fill === undefined ? {} : { fill };
  if (code === 39) return weight === undefined ? {} : { 'font-weight': weight };
  return {};
}
