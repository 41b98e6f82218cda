'use strict';
// Where something was made: a stack that is captured at once, and put into words when it is needed. A stack holds what its
// frames work on, such as the socket whose end made the program connect again: nothing may hold one for long.
const { findSourceMap } = require('node:module');
const { fileURLToPath } = require('node:url');

/** As it is before the program replaces it. */
const { Error } = globalThis;

/** Between fetch and connect are 30 frames of Node's own. */
const DEEPEST = 50;
/** Frames to keep beyond the program's own line. */
const BEYOND = 5;
/** Frames of ours, and the one that called. */
const NEAREST = 6;
/** So many were enough until now. */
let enough = 10;
/** Programs with more scripts than this start over. */
const MOST_FILES = 5000;

/**
 * @param isOneOfMany a frame takes half a microsecond: of many, no more than others were found to need
 * @param cause the origin to name where no frame is the program's own
 */
function captureOrigin(isOneOfMany, cause) {
  const limit = Error.stackTraceLimit;
  const depth = isOneOfMany ? enough : DEEPEST;
  Error.stackTraceLimit = depth;
  const error = new Error();
  Error.stackTraceLimit = limit;
  return { error, depth, cause, text: '' };
}

/** The program's own line first, then the whole stack: `file \t line[:column] \t function` each. */
function textOf(origin) {
  if (origin.error !== null) {
    origin.text = describe(origin);
    origin.error = null;
  }
  return origin.text;
}

function describe({ error, depth, cause }) {
  const frames = framesOf(error);
  const own = frames.findIndex(({ rank }) => rank === OWN);
  if (own >= 0) enough = Math.min(Math.max(enough, own + BEYOND), DEEPEST);
  // What was cut off is of a kind that was not met before.
  else if (depth === enough) enough = DEEPEST;
  if (own < 0 && cause !== undefined) return textOf(cause);
  const first = frames[own] ?? frames.find(({ rank }) => rank === LIBRARY) ?? frames[0];
  return [first, ...frames].map((frame) => frame?.text ?? '').join('\n');
}

/** Whether a package has called the function that asks; half the price of an origin. */
function callerIsPackage() {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = NEAREST;
  const error = new Error();
  Error.stackTraceLimit = limit;
  return framesOf(error)[0]?.rank === LIBRARY;
}

const OWN = 0;
const LIBRARY = 1;
const INTERNAL = 2;

function framesOf(error) {
  // oxlint-disable-next-line typescript/unbound-method -- it is put back, and never called
  const prepare = Error.prepareStackTrace;
  Error.prepareStackTrace = (_error, sites) => sites;
  try {
    return error.stack.filter((site) => !isOurs(site.getFileName())).map(describeSite);
  } finally {
    Error.prepareStackTrace = prepare;
  }
}

function isOurs(name) {
  return typeof name === 'string' && name.startsWith(__dirname);
}

function describeSite(site) {
  const script = scriptOf(site.getFileName());
  let { file } = script;
  const line = site.getLineNumber() ?? 0;
  let position = line;
  if (script.map !== undefined) {
    const entry = script.map.findEntry(line - 1, (site.getColumnNumber() ?? 1) - 1);
    if (entry.originalSource !== undefined) {
      file = scriptOf(entry.originalSource).file;
      position = entry.originalLine + 1;
    }
  } else if (script.rank !== INTERNAL) {
    // lastack may find a source map.
    position = `${line}:${site.getColumnNumber() ?? 1}`;
  }
  return {
    rank: script.rank,
    text: `${file}\t${position}\t${site.getFunctionName() ?? '<anonymous>'}`,
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
  const file = (name.startsWith('file:') ? fileURLToPath(name) : name).replaceAll(/[\t\n]/g, ' ');
  const rank = file.includes('/node_modules/') ? LIBRARY : OWN;
  // Known where the program runs with source maps, as under tsx or --enable-source-maps.
  return { file, rank, map: findSourceMap(name) };
}

module.exports = { callerIsPackage, captureOrigin, textOf };
