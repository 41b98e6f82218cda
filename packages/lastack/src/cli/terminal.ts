import { isatty } from 'node:tty';

const NARROW = 60;
const WIDE = 120;
const PIPE_WIDTH = 100;

/** Colour only for a terminal, and not against the user's wish (NO_COLOR). */
export function wantsColour(): boolean {
  const { NO_COLOR: refused = '', TERM: kind } = process.env;
  return isatty(1) && refused === '' && kind !== 'dumb';
}

/** Columns for prose: of a terminal within reason, else a fixed number. */
export function terminalWidth(): number {
  return isatty(1)
    ? Math.min(WIDE, Math.max(NARROW, process.stdout.columns || PIPE_WIDTH))
    : PIPE_WIDTH;
}
