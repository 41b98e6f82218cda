import type { Expression, Filter } from './ast.ts';
import { checkStates } from './check-states.ts';
import { connectiveOf, peek, take, type Cursor } from './cursor.ts';
import { FilterError } from './filter-error.ts';
import { tokenize } from './lexer.ts';
import type { FilterNames } from './names.ts';
import { ALL_STATES_MASK } from '../tcp/state.ts';
import { intersectStates, oppositeStates } from './states.ts';
import { parseTerm, takeStates } from './terms.ts';

/** Deeper filters are nobody's work; the limit keeps every recursion over a filter within the stack. */
const MAX_DEPTH = 64;

/**
 * Reads a filter in the language of ss(8), with the conditions that lastack adds: `age`, `pid`, `comm`, `uid`, `recvq`,
 * `sendq`, `netns`.
 *
 * `and` and `or` bind equally and from left to right: `A or B and C` is `(A or B) and C`. ss(8) says otherwise, but ss does
 * this (iproute2 6.1), and a filter must find the same sockets here as there.
 *
 * In front, as in ss, several `state` add up and hold for all that follows, with an `and` between or without one. Elsewhere
 * `state` and `exclude` are conditions like the others; and so are those in front when `or` follows, which ss refuses.
 * @param text arguments of a command line, joined by a space
 * @throws {FilterError}
 * @example parseFilter('state close-wait ( dport = :80 or sport = :443 )')
 */
export function parseFilter(text: string, names: FilterNames = {}): Filter {
  const cursor: Cursor = { tokens: tokenize(text), names, index: 0 };
  const filter = parseWhole(cursor);
  const next = peek(cursor);
  if (next.kind !== 'end') throw new FilterError('this ) closes nothing: remove it', next.position);
  checkStates(filter);
  return filter;
}

function parseWhole(cursor: Cursor): Filter {
  const { position } = peek(cursor);
  const states = parseStates(cursor);
  const token = peek(cursor);
  const joint = states === null ? null : connectiveOf(token);
  if (states !== null && joint === 'or') {
    const first: Expression = { kind: 'state', mask: states, position };
    return { states: null, expression: parseRest(cursor, 0, first) };
  }
  if (joint === 'and') takeConnective(cursor);
  return { states, expression: peek(cursor).kind === 'end' ? null : parseList(cursor, 0) };
}

/** As in ss, the first `state` starts from none and the first `exclude` from all. */
function parseStates(cursor: Cursor): number | null {
  let states: number | null = null;
  for (;;) {
    const keyword = peek(cursor);
    const isExclude = keyword.text === 'exclude' || keyword.text === 'excl';
    if (keyword.quoted || (keyword.text !== 'state' && !isExclude)) return states;
    take(cursor);
    const mask = takeStates(cursor, keyword);
    states = isExclude
      ? intersectStates(states ?? ALL_STATES_MASK, oppositeStates(mask))
      : (states ?? 0) | mask;
    if (states === 0) {
      throw new FilterError('no state is left: exclude less', keyword.position);
    }
  }
}

function parseList(cursor: Cursor, depth: number): Expression {
  return parseRest(cursor, depth, parseOperand(cursor, depth));
}

/** What is joined to a condition that has been read. */
function parseRest(cursor: Cursor, depth: number, first: Expression): Expression {
  let kind: 'and' | 'or' | null = null;
  let operands = [first];
  let mixtures = 0;
  const { position } = first;
  for (;;) {
    const token = peek(cursor);
    if (token.kind === 'end' || isSymbol(cursor, ')')) break;
    const connective = connectiveOf(token);
    // Conditions side by side must all hold.
    const joint = connective === 'or' ? 'or' : 'and';
    if (connective === 'and' || connective === 'or') takeConnective(cursor);
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

function takeConnective(cursor: Cursor): void {
  const { text } = take(cursor);
  const { kind, position } = peek(cursor);
  if (kind === 'end') throw new FilterError(`'${text}' needs a condition behind it`, position);
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
