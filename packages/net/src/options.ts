import { inspect } from 'node:util';

/** What an option may be; `any` is checked elsewhere. */
export type OptionKind = 'any' | 'array' | 'boolean' | 'count' | 'function' | 'object' | 'string';

const KINDS: Readonly<Record<OptionKind, readonly [string, (value: unknown) => boolean]>> = {
  any: ['anything', () => true],
  array: ['an array', Array.isArray],
  boolean: ['true or false', (value) => typeof value === 'boolean'],
  count: ['a number from 0 on', (value) => typeof value === 'number' && value >= 0],
  function: ['a function', (value) => typeof value === 'function'],
  object: ['an object', isObject],
  string: ['a string', (value) => typeof value === 'string'],
};

/**
 * Finds what a misspelt option or one of the wrong type would silently leave undone.
 * @throws TypeError, for a number that is none RangeError, that names the option
 */
export function checkOptions<Options extends object>(
  where: string,
  options: Options | undefined,
  kinds: Readonly<Record<keyof Options, OptionKind>>,
): void {
  if (options === undefined) return;
  if (!isObject(options))
    throw new TypeError(`${where}: options must be an object, not ${inspect(options)}`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(kinds, name)) {
      const known = Object.keys(kinds).join(', ');
      throw new TypeError(`${where}: there is no option ${name}; there are ${known}`);
    }
    const kind = kinds[name as keyof Options];
    const [what, isRight] = KINDS[kind];
    if (value === undefined || isRight(value)) continue;
    const message = `${where}: ${name} must be ${what}, not ${inspect(value)}`;
    throw kind === 'count' && typeof value === 'number'
      ? new RangeError(message)
      : new TypeError(message);
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
