import { FilterError } from './filter-error.ts';
import type { Token } from './lexer.ts';
import type { FilterNames } from './names.ts';

/** Where the parser stands in the tokens, whose last is `end`. */
export interface Cursor {
  readonly tokens: readonly Token[];
  readonly names: FilterNames;
  index: number;
}

const CONNECTIVES = new Map([
  ['and', 'and'],
  ['&', 'and'],
  ['&&', 'and'],
  ['or', 'or'],
  ['|', 'or'],
  ['||', 'or'],
  ['not', 'not'],
  ['!', 'not'],
] as const satisfies [string, string][]);

const OPERATORS = new Map([
  ['=', '='],
  ['==', '='],
  ['eq', '='],
  ['!=', '!='],
  ['ne', '!='],
  ['neq', '!='],
  ['<', '<'],
  ['lt', '<'],
  ['<=', '<='],
  ['le', '<='],
  ['leq', '<='],
  ['>', '>'],
  ['gt', '>'],
  ['>=', '>='],
  ['ge', '>='],
  ['geq', '>='],
  ['~', '~'],
  ['!~', '!~'],
] as const satisfies [string, string][]);

export type Operator = typeof OPERATORS extends Map<string, infer O> ? O : never;
export type Connective = typeof CONNECTIVES extends Map<string, infer C> ? C : never;

export function peek(cursor: Cursor): Token {
  return cursor.tokens[cursor.index];
}

/** The present token; the cursor moves on, but never beyond `end`. */
export function take(cursor: Cursor): Token {
  const token = peek(cursor);
  if (token.kind !== 'end') cursor.index++;
  return token;
}

export function connectiveOf(token: Token): Connective | null {
  return token.quoted
    ? null
    : ((CONNECTIVES as ReadonlyMap<string, Connective>).get(token.text) ?? null);
}

/** Takes an operator if one is there; without one ss means `=`. */
export function takeOperator<Allowed extends Operator>(
  cursor: Cursor,
  keyword: Token,
  allowed: readonly Allowed[],
): Allowed | null {
  const token = peek(cursor);
  const operator = token.quoted
    ? undefined
    : (OPERATORS as ReadonlyMap<string, Operator>).get(token.text);
  if (operator === undefined) return null;
  if (!(allowed as readonly Operator[]).includes(operator)) {
    throw new FilterError(
      `${keyword.text} cannot be compared with '${token.text}': use ${listOf(allowed)}`,
      token.position,
    );
  }
  cursor.index++;
  return operator as Allowed;
}

/** Takes the word that a keyword is compared with. */
export function takeValue(cursor: Cursor, keyword: Token, example: string): Token {
  const token = peek(cursor);
  if (token.kind !== 'word' || connectiveOf(token) !== null) {
    throw new FilterError(`${keyword.text} needs a value, for example: ${example}`, token.position);
  }
  return take(cursor);
}

function listOf(words: readonly string[]): string {
  return words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
