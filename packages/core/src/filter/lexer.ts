import { FilterError } from './filter-error.ts';

export interface Token {
  readonly kind: 'word' | 'symbol' | 'end';
  /** Without quotes and backslashes. */
  readonly text: string;
  /** Some of it was quoted or escaped, so it is no keyword. */
  readonly quoted: boolean;
  readonly position: number;
}

const SYMBOL = /\(|\)|==?|!=|!~|!|<=?|>=?|~|&&?|\|\|?/y;
const SPACE = /\s+/y;
const WORD_END = /[\s()=<>!&|~]/;

/**
 * The tokens of a filter, an `end` token last. ss separates tokens by space alone; here `dport=:80` and `(sport = :80)` need
 * none. A backslash takes the next character as it is, as in ss, and so do quotes: `comm = "my server"`.
 */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (position < text.length) {
    SPACE.lastIndex = position;
    SYMBOL.lastIndex = position;
    if (SPACE.test(text)) {
      position = SPACE.lastIndex;
      continue;
    }
    const symbol = SYMBOL.exec(text);
    if (symbol === null) {
      const [token, end] = readWord(text, position);
      tokens.push(token);
      position = end;
    } else {
      tokens.push({ kind: 'symbol', text: symbol[0], quoted: false, position });
      position = SYMBOL.lastIndex;
    }
  }
  return [...tokens, { kind: 'end', text: '', quoted: false, position: text.length }];
}

function readWord(text: string, position: number): readonly [token: Token, end: number] {
  let word = '';
  let quoted = false;
  let i = position;
  while (i < text.length && !WORD_END.test(text[i])) {
    const character = text[i];
    if (character === '\\') {
      quoted = true;
      word += text.slice(i + 1, i + 2);
      i += 2;
    } else if (character === '"' || character === "'") {
      quoted = true;
      const close = text.indexOf(character, i + 1);
      if (close === -1) {
        throw new FilterError(`this quote is not closed: add ${character} at its end`, i);
      }
      word += text.slice(i + 1, close);
      i = close + 1;
    } else {
      word += character;
      i++;
    }
  }
  return [{ kind: 'word', text: word, quoted, position }, Math.min(i, text.length)];
}
