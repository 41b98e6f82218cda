import { FilterError, parseFilter, type Filter } from '@lastack/core';
import { filterNames } from '../gather/names.ts';
import { UserError } from './user-error.ts';

/** The filter that stands on the command line, over one argument or many. */
export function readFilter(words: readonly string[]): Filter {
  const text = words.join(' ');
  return withPosition(text, () => parseFilter(text, filterNames()));
}

/** Runs an action on a filter; its FilterError becomes one that shows the place in the text. */
export function withPosition<T>(text: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const before = text.slice(0, error.position).replaceAll(/[^\t]/g, ' ');
    throw new UserError(`${error.message}\n  ${text}\n  ${before}^`);
  }
}
