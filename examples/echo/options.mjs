import { parseArgs } from 'node:util';

/**
 * The command line's `--name value`, or its mistake and exit status 2.
 * @param {string} usage
 * @param {readonly string[]} names
 * @returns {Partial<Record<string, string>>}
 */
export function readOptions(usage, names) {
  /** @type {[string, { type: 'string' }][]} */
  const options = names.map((name) => [name, { type: 'string' }]);
  try {
    return parseArgs({ options: Object.fromEntries(options) }).values;
  } catch (error) {
    return misuse(usage, messageOf(error));
  }
}

/**
 * @param {string} usage
 * @param {string} text
 */
export function readPort(usage, text) {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  return misuse(usage, `--port must be 0 to 65535, not ${text}`);
}

/**
 * @param {string} usage
 * @param {string} mistake
 * @returns {never}
 */
export function misuse(usage, mistake) {
  console.error(`${mistake}\n${usage}`);
  process.exit(2);
}

/** @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
