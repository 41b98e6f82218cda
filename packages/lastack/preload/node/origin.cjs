'use strict';
// Where something was made: a stack that is captured at once, and put into words when it is needed.
const { findSourceMap } = require('node:module');
const { fileURLToPath } = require('node:url');

/** Between fetch and connect are 30 frames of Node's own. */
const DEPTH = 50;
/** Programs with more scripts than this start over. */
const MOST_FILES = 5000;

class Origin {
  #text = null;
  #cause;

  constructor(cause) {
    this.#cause = cause;
  }

  /** The program's own line first, then the whole stack: `file \t line \t function` each. */
  get text() {
    this.#text ??= this.#describe();
    return this.#text;
  }

  #describe() {
    const frames = framesOf(this);
    this.stack = undefined;
    const own = frames.find(({ rank }) => rank === OWN);
    if (own === undefined && this.#cause !== undefined) return this.#cause.text;
    const first = own ?? frames.find(({ rank }) => rank === LIBRARY) ?? frames[0];
    return [first, ...frames].map((frame) => frame?.text ?? '').join('\n');
  }
}

/**
 * @param above the function whose caller is the first frame
 * @param cause the origin to name where no frame is the program's own
 */
function captureOrigin(above, cause) {
  const origin = new Origin(cause);
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  Error.captureStackTrace(origin, above);
  Error.stackTraceLimit = limit;
  return origin;
}

const OWN = 0;
const LIBRARY = 1;
const INTERNAL = 2;

function framesOf(holder) {
  const prepare = Error.prepareStackTrace;
  Error.prepareStackTrace = (_error, sites) => sites;
  try {
    return holder.stack.map(describeSite);
  } finally {
    Error.prepareStackTrace = prepare;
  }
}

function describeSite(site) {
  const script = scriptOf(site.getFileName());
  let { file } = script;
  let line = site.getLineNumber() ?? 0;
  if (script.map !== undefined) {
    const entry = script.map.findEntry(line - 1, (site.getColumnNumber() ?? 1) - 1);
    if (entry.originalSource !== undefined) {
      file = scriptOf(entry.originalSource).file;
      line = entry.originalLine + 1;
    }
  }
  return {
    rank: script.rank,
    text: `${file}\t${line}\t${site.getFunctionName() ?? '<anonymous>'}`,
  };
}

/** Script name → `{ file, rank, map }`. */
const scripts = new Map();

function scriptOf(name) {
  let script = scripts.get(name);
  if (script === undefined) {
    if (scripts.size >= MOST_FILES) scripts.clear();
    scripts.set(name, (script = describeScript(name)));
  }
  return script;
}

function describeScript(name) {
  if (typeof name !== 'string') return { file: '<native>', rank: INTERNAL, map: undefined };
  if (name.startsWith('node:')) return { file: name, rank: INTERNAL, map: undefined };
  if (name.startsWith(__dirname)) return { file: name, rank: INTERNAL, map: undefined };
  const file = (name.startsWith('file:') ? fileURLToPath(name) : name).replaceAll(/[\t\n]/g, ' ');
  const rank = file.includes('/node_modules/') ? LIBRARY : OWN;
  // Known where the program runs with source maps, as under tsx or --enable-source-maps.
  return { file, rank, map: findSourceMap(name) };
}

module.exports = { captureOrigin };
