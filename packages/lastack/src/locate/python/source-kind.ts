import { basename } from 'node:path';
import type { Frame } from './frames.ts';

/** Whose code a file is: of the program, of an installed package, of Python itself. */
export type SourceKind = 'user' | 'package' | 'python';

const PACKAGES = /\/(?:site|dist)-packages\//;
/** `/usr/lib/python3.11/socket.py`, `/opt/lib64/python3.12/…`, `…/python311.zip/…`. */
const LIBRARY = /\/lib(?:64|32)?\/python3(?:\.\d+)?\/|\/python3\d+\.zip\//;

export function sourceKind(file: string): SourceKind {
  // `python -c` and standard input are the user's; every other `<…>` is frozen or generated.
  if (file.startsWith('<')) return file === '<string>' || file === '<stdin>' ? 'user' : 'python';
  if (PACKAGES.test(file)) return 'package';
  return LIBRARY.test(file) ? 'python' : 'user';
}

/** The innermost frame of the user's code; of a package, or of Python, where the stack has none. */
export function userFrame(frames: readonly Frame[]): Frame | null {
  const kinds: readonly SourceKind[] = ['user', 'package', 'python'];
  for (const kind of kinds) {
    const frame = frames.find(({ code, line }) => line !== null && sourceKind(code.file) === kind);
    if (frame !== undefined) return frame;
  }
  return null;
}

/** `readinto (socket.py:706)` */
export function formatCall({ code, line }: Frame): string {
  return `${code.function} (${basename(code.file)}${line === null ? '' : `:${line}`})`;
}
