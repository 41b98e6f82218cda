import { readFileSync, statSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A line as its author wrote it. */
export interface OriginalPosition {
  /** An absolute path, or a URL. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/** From a position of the running script, counted from 0, to the source; null where the map has none. */
export type PositionMapper = (line: number, column: number) => OriginalPosition | null;

const LONGEST_MAP = 32 << 20;

/**
 * Reads the source map of a script: inline, or the file beside it. A map elsewhere is not fetched.
 * @param file path of the script
 * @param root where the target's files are found: `/proc/812/root`
 */
export function readSourceMap(url: string, file: string, root: string): PositionMapper | null {
  const json = url.startsWith('data:') ? inlineText(url) : readBeside(url, file, root);
  return json === null ? null : parseSourceMap(json, file);
}

/** @returns null for a map that is damaged */
export function parseSourceMap(json: string, file: string): PositionMapper | null {
  try {
    const payload = JSON.parse(json) as SourceMapPayload;
    const map = new SourceMap(payload);
    return (line, column) => {
      const entry = map.findEntry(line, column);
      if (!('originalSource' in entry) || typeof entry.originalSource !== 'string') return null;
      const source = locateSource(entry.originalSource, payload.sourceRoot, file);
      return { file: source, line: entry.originalLine + 1 };
    };
  } catch {
    return null;
  }
}

function locateSource(source: string, sourceRoot: string | undefined, file: string): string {
  if (source.startsWith('file:')) return fileURLToPath(source);
  if (/^[a-z][a-z\d+.-]*:/i.test(source)) return source;
  return resolve(dirname(file), sourceRoot ?? '', source);
}

function inlineText(url: string): string | null {
  const match = /^data:[^,]*?(;base64)?,(.*)$/s.exec(url);
  if (match === null || match[2].length > LONGEST_MAP) return null;
  const [, isBase64, data] = match;
  try {
    return isBase64 === undefined
      ? decodeURIComponent(data)
      : Buffer.from(data, 'base64').toString('utf8');
  } catch {
    return null;
  }
}

function readBeside(url: string, file: string, root: string): string | null {
  if (!file.startsWith('/') || (/^[a-z][a-z\d+.-]*:/i.test(url) && !url.startsWith('file:'))) {
    return null;
  }
  try {
    const path = url.startsWith('file:')
      ? fileURLToPath(url)
      : resolve(dirname(file), decodeURIComponent(url));
    const stat = statSync(`${root}${path}`);
    return stat.isFile() && stat.size <= LONGEST_MAP
      ? readFileSync(`${root}${path}`, 'utf8')
      : null;
  } catch {
    return null;
  }
}
