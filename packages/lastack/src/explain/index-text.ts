import type { Paint } from '../render/style.ts';
import { plainProse } from './plain-prose.ts';
import { STATE_DIAGRAM } from './state-diagram.ts';
import { FINDINGS, STATES } from './subjects.ts';

const STATE_WIDTH = 14;
const FINDING_WIDTH = 26;
const FINDINGS_A_LINE = 3;

/** All that can be explained, with the state diagram: one screen of 40 lines. */
export function indexLines(paint: Paint): string[] {
  return [
    ...STATE_DIAGRAM,
    '',
    ...Object.values(STATES).map(
      ({ id, title }) => `${paint('bold', id.padEnd(STATE_WIDTH))}${plainProse(title)}`,
    ),
    '',
    'What lastack finds; settings (tcp_tw_recycle) and causes (eof-ignored) are explained, too:',
    ...findingRows(paint),
    '',
    'lastack explain close-wait: one of them, simulated; --loss 20% --seed 3 --server closes-late vary it',
  ];
}

function findingRows(paint: Paint): string[] {
  const ids = Object.keys(FINDINGS);
  const rows: string[] = [];
  for (let at = 0; at < ids.length; at += FINDINGS_A_LINE) {
    const row = ids.slice(at, at + FINDINGS_A_LINE);
    rows.push(
      paint(
        'bold',
        row
          .map((id) => id.padEnd(FINDING_WIDTH))
          .join('')
          .trimEnd(),
      ),
    );
  }
  return rows;
}
