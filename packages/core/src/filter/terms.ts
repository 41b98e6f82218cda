import type { Expression, HostTerm, NumberField, Ordering, Side, Term } from './ast.ts';
import { takeOperator, takeValue, type Cursor } from './cursor.ts';
import { parseDuration } from './duration.ts';
import { parseEndpoint, parseInteger, parsePortOperand } from './endpoint.ts';
import { FilterError } from './filter-error.ts';
import type { Token } from './lexer.ts';
import { nearMatches } from './spelling.ts';
import { stateMaskOf, unknownState } from './states.ts';

type TermParser = (cursor: Cursor, keyword: Token) => Expression;

const EQUALITY = ['=', '!='] as const;
const ORDER = ['<', '<=', '>', '>='] as const;
const COMPARISONS = [...EQUALITY, ...ORDER] as const;

const TERMS: ReadonlyMap<string, TermParser> = new Map<string, TermParser>([
  ['state', (cursor, keyword) => parseState(cursor, keyword)],
  ['exclude', (cursor, keyword) => negateIf(true, parseState(cursor, keyword))],
  ['excl', (cursor, keyword) => negateIf(true, parseState(cursor, keyword))],
  ['src', (cursor, keyword) => parseHost(cursor, keyword, 'local')],
  ['dst', (cursor, keyword) => parseHost(cursor, keyword, 'remote')],
  ['sport', (cursor, keyword) => parsePort(cursor, keyword, 'local')],
  ['dport', (cursor, keyword) => parsePort(cursor, keyword, 'remote')],
  ['dev', parseDevice],
  ['fwmark', parseMark],
  ['cgroup', parseCgroup],
  ['autobound', (_cursor, { position }) => ({ kind: 'autobound', position })],
  ['age', parseAge],
  ['pid', parsePid],
  ['comm', parseCommand],
  ['uid', (cursor, keyword) => parseNumber(cursor, keyword, 'uid')],
  ['recvq', (cursor, keyword) => parseNumber(cursor, keyword, 'recvq')],
  ['sendq', (cursor, keyword) => parseNumber(cursor, keyword, 'sendq')],
  ['netns', (cursor, keyword) => parseNumber(cursor, keyword, 'netns')],
]);

/** The condition that a keyword begins; the cursor stands behind the keyword. */
export function parseTerm(cursor: Cursor, keyword: Token): Expression {
  const parse = keyword.quoted ? undefined : TERMS.get(keyword.text);
  if (parse !== undefined) return parse(cursor, keyword);
  const { text, position } = keyword;
  if (stateMaskOf(text) !== null) throw new FilterError(`write 'state ${text}'`, position);
  const near = nearMatches(text, [...TERMS.keys()]);
  const remedy =
    near.length > 0
      ? `Did you mean ${near.join(' or ')}?`
      : `Conditions begin with ${[...TERMS.keys()].join(', ')}.`;
  throw new FilterError(`unknown condition '${text}'. ${remedy}`, position);
}

/** The mask of the state or group that stands behind `state` or `exclude`. */
export function takeStates(cursor: Cursor, keyword: Token): number {
  const name = takeValue(cursor, keyword, `${keyword.text} close-wait`);
  const mask = stateMaskOf(name.text);
  if (mask === null) throw unknownState(name.text, name.position);
  return mask;
}

function parseState(cursor: Cursor, keyword: Token): Term {
  return { kind: 'state', mask: takeStates(cursor, keyword), position: keyword.position };
}

function parseHost(cursor: Cursor, keyword: Token, side: Side): Expression {
  const operator = takeOperator(cursor, keyword, EQUALITY);
  const value = takeValue(cursor, keyword, `${keyword.text} 10.0.0.0/8`);
  const endpoint = parseEndpoint(value.text, value.position, cursor.names);
  return negateIf(operator === '!=', {
    kind: 'host',
    side,
    ...endpoint,
    position: keyword.position,
  });
}

function parsePort(cursor: Cursor, keyword: Token, side: Side): Expression {
  const { position } = keyword;
  const operator = takeOperator(cursor, keyword, COMPARISONS) ?? '=';
  const value = takeValue(cursor, keyword, `${keyword.text} = :443`);
  const [family, port] = parsePortOperand(value.text, value.position, cursor.names);
  const host: HostTerm = { kind: 'host', side, family, address: null, prefix: 0, port, position };
  if (operator === '=' || operator === '!=') return negateIf(operator === '!=', host);
  if (port === null) {
    throw new FilterError(`'${operator}' needs a port, for example: :1024`, value.position);
  }
  const order: Term = { kind: 'port', side, operator, port, position };
  return family === null
    ? order
    : { kind: 'and', operands: [{ ...host, port: null }, order], position };
}

function parseDevice(cursor: Cursor, keyword: Token): Expression {
  const operator = takeOperator(cursor, keyword, EQUALITY);
  const value = takeValue(cursor, keyword, 'dev eth0');
  const ifindex = cursor.names.devices?.(value.text) ?? parseInteger(value.text);
  if (ifindex === null || ifindex > 0xffffffff) {
    throw new FilterError(
      `unknown device '${value.text}': give one of 'ip link', or its index`,
      value.position,
    );
  }
  return negateIf(operator === '!=', { kind: 'device', ifindex, position: keyword.position });
}

function parseMark(cursor: Cursor, keyword: Token): Expression {
  const operator = takeOperator(cursor, keyword, EQUALITY);
  const value = takeValue(cursor, keyword, 'fwmark = 0x01/0x03');
  const [mark, mask, ...more] = [...value.text.split('/').map(parseInteger), 0xffffffff];
  const isMark =
    mark !== null && mask !== null && mark <= 0xffffffff && mask <= 0xffffffff && more.length < 2;
  if (!isMark) {
    throw new FilterError(
      `'${value.text}' is not a mark: write MARK or MARK/MASK, as in 0x01/0x03`,
      value.position,
    );
  }
  return negateIf(operator === '!=', { kind: 'mark', mark, mask, position: keyword.position });
}

function parseCgroup(cursor: Cursor, keyword: Token): Expression {
  const operator = takeOperator(cursor, keyword, EQUALITY);
  const value = takeValue(cursor, keyword, 'cgroup = /sys/fs/cgroup/system.slice');
  const id = /^\d{1,19}$/.test(value.text)
    ? BigInt(value.text)
    : (cursor.names.cgroups?.(value.text) ?? null);
  if (id === null) {
    throw new FilterError(
      `unknown cgroup '${value.text}': give the path of a cgroup v2, or its numeric id`,
      value.position,
    );
  }
  return negateIf(operator === '!=', { kind: 'cgroup', id, position: keyword.position });
}

function parseAge(cursor: Cursor, keyword: Token): Expression {
  const operator: Ordering | null = takeOperator(cursor, keyword, ORDER);
  const value = takeValue(cursor, keyword, 'age > 5m');
  if (operator === null) {
    throw new FilterError("age needs an order: write 'age > 5m' or 'age < 5m'", value.position);
  }
  const ms = parseDuration(value.text);
  if (ms === null) {
    throw new FilterError(
      `'${value.text}' is not a duration: write it like 500ms, 30s, 5m, 3h, 2d or 1h30m`,
      value.position,
    );
  }
  return { kind: 'age', operator, ms, position: keyword.position };
}

function parsePid(cursor: Cursor, keyword: Token): Expression {
  const operator = takeOperator(cursor, keyword, COMPARISONS) ?? '=';
  const pid = takeInteger(cursor, keyword);
  return operator === '!='
    ? negateIf(true, { kind: 'pid', operator: '=', pid, position: keyword.position })
    : { kind: 'pid', operator, pid, position: keyword.position };
}

function parseCommand(cursor: Cursor, keyword: Token): Expression {
  const operator = takeOperator(cursor, keyword, ['=', '!=', '~', '!~']) ?? '=';
  const { text } = takeValue(cursor, keyword, 'comm = nginx');
  return negateIf(operator.startsWith('!'), {
    kind: 'command',
    operator: operator.endsWith('~') ? '~' : '=',
    text,
    position: keyword.position,
  });
}

function parseNumber(cursor: Cursor, keyword: Token, field: NumberField): Expression {
  const operator = takeOperator(cursor, keyword, COMPARISONS) ?? '=';
  const value = takeInteger(cursor, keyword);
  return { kind: 'number', field, operator, value, position: keyword.position };
}

function takeInteger(cursor: Cursor, keyword: Token): number {
  const value = takeValue(cursor, keyword, `${keyword.text} = 1000`);
  const integer = parseInteger(value.text);
  if (integer === null) {
    throw new FilterError(
      `'${value.text}' is not a number: ${keyword.text} takes a whole number`,
      value.position,
    );
  }
  return integer;
}

function negateIf(negated: boolean, term: Term): Expression {
  return negated ? { kind: 'not', operand: term, position: term.position } : term;
}
