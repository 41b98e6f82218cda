// Read first: preload/node/slots.cjs, which writes what is read here.

/** A line of a program's source, as its runtime named it. */
export interface Frame {
  readonly file: string;
  readonly line: number;
  readonly function: string;
  /** Counted from 1; only of a line that a source map may translate. */
  readonly column?: number;
}

/** Where a socket was made. */
export interface RecordedStack {
  /** `accept`: by a server; where a library accepts, the stack is that of the listen. */
  readonly kind: 'connect' | 'accept';
  /** The program's own line; a library's where there is none. */
  readonly own: Frame;
  /** The innermost first; cut where there was no room. */
  readonly frames: readonly Frame[];
}

export const SLOT_BYTES = 2048;
const HEAD_BYTES = 12;
const INODE_BYTES = 8;

const UNPRINTABLE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu;
const FRAME = /^(.+)\t(\d{1,9})(?::(\d{1,9}))?\t(.*)$/;

/**
 * The record in a slot, or null when it is another socket's, half written, or none at all. The bytes come from a program that
 * may write what it likes.
 * @param inode of the socket that is asked for
 */
export function parseSlot(bytes: Buffer, inode: number): RecordedStack | null {
  if (bytes.length < HEAD_BYTES || inode === 0) return null;
  const end = HEAD_BYTES + bytes.readUInt32LE(INODE_BYTES);
  if (end + INODE_BYTES > Math.min(bytes.length, SLOT_BYTES)) return null;
  const name = BigInt(inode);
  if (bytes.readBigUInt64LE(0) !== name || bytes.readBigUInt64LE(end) !== name) return null;
  const [kind, ...lines] = bytes.toString('utf8', HEAD_BYTES, end).split('\n');
  const [own, ...frames] = lines.map(parseFrame);
  if ((kind !== 'connect' && kind !== 'accept') || own === undefined || own === null) return null;
  return { kind, own, frames: frames.filter((frame) => frame !== null) };
}

function parseFrame(text: string): Frame | null {
  const match = FRAME.exec(text);
  if (match === null) return null;
  const [, file, line, column, name] = match;
  const frame = { file: printable(file), line: Number(line), function: printable(name) };
  return column === undefined ? frame : { ...frame, column: Number(column) };
}

/** Without what a terminal would obey. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, '\uFFFD');
}
