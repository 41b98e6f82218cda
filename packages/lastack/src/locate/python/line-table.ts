/** The three forms in which CPython writes down which instruction belongs to which line. */
export type LineTableForm = 'lnotab' | 'linetable' | 'locations';

/**
 * The line of an instruction, counted from 1; null where the table has none for it, or is no table. Pure, and linear in the
 * table's length whatever its bytes are.
 * @param offset of the instruction, bytes from the start of the code; negative for a frame that has not begun
 */
export function lineAt(
  form: LineTableForm,
  table: Uint8Array,
  firstLine: number,
  offset: number,
): number | null {
  if (offset < 0) return plausible(firstLine);
  switch (form) {
    case 'lnotab':
      return plausible(lineInLnotab(table, firstLine, offset));
    case 'linetable':
      return plausible(lineInLinetable(table, firstLine, offset));
    case 'locations':
      return plausible(lineInLocations(table, firstLine, offset));
    default:
      return form satisfies never;
  }
}

/** The form that a version writes: Objects/lnotab_notes.txt of 3.8 and of 3.10, InternalDocs/code_objects.md for 3.11. */
export function lineTableForm(minor: number): LineTableForm {
  if (minor < 10) return 'lnotab';
  return minor === 10 ? 'linetable' : 'locations';
}

/** Pairs of steps: so many bytes of code on, so many lines on. */
function lineInLnotab(table: Uint8Array, firstLine: number, offset: number): number {
  let line = firstLine;
  let address = 0;
  for (let at = 0; at + 1 < table.length; at += 2) {
    address += table[at];
    if (address > offset) break;
    line += signed(table[at + 1]);
  }
  return line;
}

const NO_LINE = -128;

/** Pairs of a range of code and the step in lines before it; -128 is a range without a line. */
function lineInLinetable(table: Uint8Array, firstLine: number, offset: number): number | null {
  let line = firstLine;
  let end = 0;
  for (let at = 0; at + 1 < table.length; at += 2) {
    end += table[at];
    const step = signed(table[at + 1]);
    if (step !== NO_LINE) line += step;
    if (offset < end) return step === NO_LINE ? null : line;
  }
  return null;
}

/** Kinds of an entry: the columns are short, or on one line, or long, or absent; or there is no position at all. */
const ONE_LINE_FIRST = 10;
const NO_COLUMNS = 13;
const LONG = 14;
const NO_LOCATION = 15;
const CODE_UNIT = 2;

/** Entries begin with a byte whose top bit is set: kind, and number of code units; then come its columns. */
function lineInLocations(table: Uint8Array, firstLine: number, offset: number): number | null {
  let line = firstLine;
  let end = 0;
  for (let at = 0; at < table.length;) {
    const head = table[at++];
    if (head < 0x80) return null;
    const kind = (head >> 3) & 15;
    end += ((head & 7) + 1) * CODE_UNIT;
    if (kind === LONG || kind === NO_COLUMNS) line += signedVarint(table, at);
    else if (kind >= ONE_LINE_FIRST && kind < NO_COLUMNS) line += kind - ONE_LINE_FIRST;
    if (offset < end) return kind === NO_LOCATION ? null : line;
    while (at < table.length && table[at] < 0x80) at++;
  }
  return null;
}

/** Six bits a byte, lowest first, bit 6 says that more follow; the sign is the lowest bit of the whole. */
function signedVarint(table: Uint8Array, start: number): number {
  let value = 0;
  for (let at = start, scale = 1; at < table.length && at < start + 6; at++, scale *= 64) {
    value += (table[at] & 63) * scale;
    if ((table[at] & 64) === 0) break;
  }
  return value % 2 === 1 ? -(value - 1) / 2 : value / 2;
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}

/** CPython has no line 0 of a file and none beyond a C int. */
function plausible(line: number | null): number | null {
  return line !== null && Number.isInteger(line) && line >= 1 && line < 2 ** 31 ? line : null;
}
