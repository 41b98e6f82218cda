import type { Expression, Filter } from './ast.ts';
import { connectiveOf, peek, take, takeValue, type Cursor } from './cursor.ts';
import { FilterError } from './filter-error.ts';
import { tokenize } from './lexer.ts';
import type { FilterNames } from './names.ts';
import { stateMaskOf, unknownState } from './states.ts';
import { ALL_STATES_MASK } from '../tcp/state.ts';
import { parseTerm } from './terms.ts';

/** Deeper filters are nobody's work; the limit keeps every recursion over a filter within the stack. */
const MAX_DEPTH = 64;

/**
 * Reads a filter in the language of ss(8), with the conditions that lastack adds: `age`, `pid`, `comm`, `uid`, `recvq`,
 * `sendq`, `netns`.
 *
 * `and` and `or` bind equally and from left to right: `A or B and C` is `(A or B) and C`. ss(8) says otherwise, but ss does
 * this (iproute2 6.1), and a filter must find the same sockets here as there.
 * @param text arguments of a command line, joined by a space
 * @throws {FilterError}
 * @example parseFilter('state close-wait ( dport = :80 or sport = :443 )')
 */
export function parseFilter(text: string, names: FilterNames = {}): Filter {
  const cursor: Cursor = { tokens: tokenize(text), names, index: 0 };
  const states = parseStates(cursor);
  const expression = peek(cursor).kind === 'end' ? null : parseList(cursor, 0);
  const next = peek(cursor);
  if (next.kind !== 'end') throw new FilterError('this ) closes nothing: remove it', next.position);
  return { states, expression };
}

/** As in ss, the first `state` starts from none and the first `exclude` from all. */
function parseStates(cursor: Cursor): number | null {
  let states: number | null = null;
  for (;;) {
    const keyword = peek(cursor);
    const isExclude = keyword.text === 'exclude' || keyword.text === 'excl';
    if (keyword.quoted || (keyword.text !== 'state' && !isExclude)) return states;
    take(cursor);
    const name = takeValue(cursor, keyword, `${keyword.text} close-wait`);
    const mask = stateMaskOf(name.text);
    if (mask === null) throw unknownState(name.text, name.position);
    states = isExclude ? (states ?? ALL_STATES_MASK) & ~mask : (states ?? 0) | mask;
    if (states === 0) {
      throw new FilterError('no state is left: exclude less', keyword.position);
    }
  }
}

function parseList(cursor: Cursor, depth: number): Expression {
  let kind: 'and' | 'or' | null = null;
  let operands: Expression[] = [parseOperand(cursor, depth)];
  let mixtures = 0;
  const { position } = operands[0];
  for (;;) {
    const token = peek(cursor);
    if (token.kind === 'end' || isSymbol(cursor, ')')) break;
    const connective = connectiveOf(token);
    // Conditions side by side must all hold.
    const joint = connective === 'or' ? 'or' : 'and';
    if (connective === 'and' || connective === 'or') {
      take(cursor);
      if (peek(cursor).kind === 'end') {
        throw new FilterError(`'${token.text}' needs a condition behind it`, peek(cursor).position);
      }
    }
    const operand = parseOperand(cursor, depth);
    if (kind !== null && kind !== joint) {
      if (++mixtures > MAX_DEPTH) throw tooDeep(token.position);
      operands = [{ kind, operands, position }];
    }
    kind = joint;
    operands.push(operand);
  }
  return kind === null ? operands[0] : { kind, operands, position };
}

function parseOperand(cursor: Cursor, depth: number): Expression {
  const token = peek(cursor);
  if (depth > MAX_DEPTH) throw tooDeep(token.position);
  if (connectiveOf(token) === 'not') {
    take(cursor);
    return { kind: 'not', operand: parseOperand(cursor, depth + 1), position: token.position };
  }
  if (isSymbol(cursor, '(')) {
    take(cursor);
    const list = parseList(cursor, depth + 1);
    if (!isSymbol(cursor, ')')) {
      throw new FilterError('this ( is not closed: add )', token.position);
    }
    take(cursor);
    return list;
  }
  if (token.kind !== 'word' || connectiveOf(token) !== null) {
    throw new FilterError(
      `${token.kind === 'end' ? 'the end' : `'${token.text}'`} stands where a condition is needed, such as dport = :443`,
      token.position,
    );
  }
  return parseTerm(cursor, take(cursor));
}

function isSymbol(cursor: Cursor, symbol: string): boolean {
  const token = peek(cursor);
  return token.kind === 'symbol' && token.text === symbol;
}

function tooDeep(position: number): FilterError {
  return new FilterError(
    `more than ${MAX_DEPTH} levels of conditions: write a flatter filter`,
    position,
  );
}
