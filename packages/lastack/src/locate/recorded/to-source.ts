import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { readSourceMap, type PositionMapper } from '../node/source-map.ts';
import { printable, type Frame, type RecordedStack } from './slot.ts';

const LONGEST_SCRIPT = 32 << 20;
/** As Node looks for it: the last one counts. */
const COMMENT = /\/[*/]#\s+sourceMappingURL=(\S+)/g;

/**
 * Makes the function that translates a recorded stack from compiled scripts to their sources, by the source maps that the
 * scripts name; lines without one stay as they are.
 * @param root where the files of the program are found: `/proc/812/root`
 *
 * @example
 * const { own } = sourceReader('')(stack);
 */
export function sourceReader(root: string): (stack: RecordedStack) => RecordedStack {
  const mappers = new Map<string, PositionMapper | null>();
  const toSource = ({ column, ...frame }: Frame): Frame => {
    if (column === undefined) return frame;
    let mapper = mappers.get(frame.file);
    if (mapper === undefined) {
      mapper = readMapOf(frame.file, root);
      mappers.set(frame.file, mapper);
    }
    const { file, line } = mapper?.(frame.line - 1, column - 1) ?? frame;
    return { ...frame, file: printable(file), line };
  };
  return ({ kind, own, frames }) => {
    const sources = frames.map(toSource);
    const first = toSource(own);
    // A bundle is the program's own, but what is in it need not be.
    const isBundled = isPackage(first) && !isPackage(own);
    const author = isBundled ? sources.find((frame, at) => isAuthors(frame, frames[at])) : first;
    return { kind, own: author ?? first, frames: sources };
  };
}

function isAuthors(source: Frame, compiled: Frame): boolean {
  return compiled.column !== undefined && !isPackage(source);
}

function isPackage({ file }: Frame): boolean {
  return file.includes('/node_modules/');
}

function readMapOf(file: string, root: string): PositionMapper | null {
  const text = file.startsWith('/') ? readScript(`${root}${file}`) : null;
  const url = text === null ? undefined : [...text.matchAll(COMMENT)].at(-1)?.[1];
  return url === undefined ? null : readSourceMap(url, file, root);
}

function readScript(path: string): string | null {
  let script = -1;
  try {
    // The name comes from the program: what is not a file might never end.
    script = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(script);
    return stat.isFile() && stat.size <= LONGEST_SCRIPT ? readFileSync(script, 'utf8') : null;
  } catch {
    return null;
  } finally {
    if (script >= 0) closeSync(script);
  }
}
