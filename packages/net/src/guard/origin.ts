import { fileURLToPath } from 'node:url';

/** A line of code. */
export interface CodeLine {
  /** An absolute path, or a URL that is no file's. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** As V8 names it. */
  readonly function?: string;
}

/** Where something was made. */
export interface Origin {
  /** The innermost line that is the program's own; else the innermost of a library; absent when only Node's are known. */
  readonly line?: CodeLine;
  /** The stack as V8 writes it, the program's own frames first, one a line. Empty when there was none. */
  readonly stack: string;
}

/** Between fetch and connect are 30 frames of Node's own. */
const DEPTH = 50;
const OWN = 0;
const LIBRARY = 1;
const NODE = 2;

/** Captured at once, put into words when it is needed: most sockets are closed, and nobody asks. */
export class LazyOrigin {
  #holder: { stack?: string } | undefined = {};
  #origin: Origin | undefined;

  constructor() {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = DEPTH;
    Error.captureStackTrace(this.#holder as object, LazyOrigin);
    Error.stackTraceLimit = limit;
  }

  get value(): Origin {
    if (this.#origin === undefined) {
      // The text goes through Error.prepareStackTrace, and so through the source maps of whoever runs the tests.
      this.#origin = parseStack(this.#holder?.stack ?? '');
      this.#holder = undefined;
    }
    return this.#origin;
  }
}

/** A stack in V8's words; lines that are no frames (the message) are left out. */
export function parseStack(text: string): Origin {
  const frames = text.split('\n').filter((line) => /^\s+at /.test(line));
  const sorted = frames
    .map((text) => {
      const line = parseFrame(text);
      return { text, line, rank: line === undefined ? NODE : rankOf(line.file) };
    })
    .filter(({ line }) => line === undefined || !isOurs(line.file))
    .toSorted((a, b) => a.rank - b.rank);
  const line = sorted.find(({ rank }) => rank < NODE)?.line;
  const stack = sorted.map(({ text }) => text).join('\n');
  return line === undefined ? { stack } : { line, stack };
}

/** `    at async Pool.connect (file:///app/pool.ts:12:5)` and its shorter forms. */
function parseFrame(text: string): CodeLine | undefined {
  const match =
    /^\s+at (?:async )?(?:(?<name>.+) \()?(?<file>.+?):(?<line>\d+):(?<column>\d+)\)?$/.exec(text);
  if (match?.groups === undefined) return undefined;
  const { name, file = '', line, column } = match.groups;
  return {
    file: file.startsWith('file:') ? fileURLToPath(file) : file,
    line: Number(line),
    column: Number(column),
    ...(name !== undefined && !name.endsWith('<anonymous>') && { function: name }),
  };
}

function rankOf(file: string): number {
  if (file.startsWith('node:')) return NODE;
  return /[\\/]node_modules[\\/]/.test(file) ? LIBRARY : OWN;
}

/** The frames that watch, which nobody wants to see. */
function isOurs(file: string): boolean {
  return file.startsWith('node:internal/async_hooks') || file.startsWith(OURS);
}

/** This package's folder, with `src` or `dist` at the end. */
const OURS = ourFolder();

function ourFolder(): string {
  const { stack } = new Error('where am I');
  const file = /\(?(file:.+|\/.+|[A-Z]:\\.+):\d+:\d+\)?/.exec(stack ?? '')?.[1] ?? '';
  const path = file.startsWith('file:') ? fileURLToPath(file) : file;
  return path.replace(/([\\/](?:src|dist)[\\/]).*$/, '$1');
}
