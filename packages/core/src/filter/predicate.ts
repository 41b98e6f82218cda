import { kernelStateOf, localPortOf, remotePortOf } from '../socket/row.ts';
import type { Age } from '../socket/age.ts';
import type { SocketTable } from '../socket/table.ts';
import type { AgeTerm, Comparison, Filter, NumberTerm, Term } from './ast.ts';
import { matchHost } from './host-match.ts';
import { FilterError } from './filter-error.ts';
import { kernelOnlyName } from './needs.ts';
import { normalize, type NormalForm } from './normal-form.ts';
import { allOf, anyOf, type RowPredicate } from './row-predicate.ts';
import { rowStatesOf } from './states.ts';

/** What a row does not say; each is asked only by filters that need it (`needsOf`). */
export interface PredicateContext {
  /** The processes that have a descriptor for the socket of an inode. */
  readonly ownersOf: (inode: number) => Iterable<SocketOwner>;
  readonly ageOf: (table: SocketTable, row: number) => Age;
}

export interface SocketOwner {
  readonly pid: number;
  readonly command: string;
}

/**
 * A test for the rows of a table, the same as the kernel's where the kernel has one.
 *
 * A socket matches when the filter certainly holds. Of an age only bounds are known: `age > 5m` holds if the lower one is over
 * 5 min, `age < 5m` if there is an upper one below. The uid of a socket without a descriptor is unknown (the kernel says 0):
 * no `uid` condition matches. A socket that several processes hold matches `pid = N` if one of them is N, and `pid != N` if
 * none is; `comm` likewise.
 * @throws {FilterError} for `fwmark`, `cgroup` and `autobound`, which are in no row: see `compileBytecode`
 */
export function compilePredicate(filter: Filter, context: PredicateContext): RowPredicate {
  const matches =
    filter.expression === null ? null : compile(normalize(filter.expression), context);
  if (filter.states === null) return matches ?? (() => true);
  const isInState = matchStates(filter.states);
  if (matches === null) return isInState;
  return (table, row) => isInState(table, row) && matches(table, row);
}

function compile(form: NormalForm, context: PredicateContext): RowPredicate {
  if (form.kind === 'and') return allOf(compileCheapestFirst(form.operands, context));
  if (form.kind === 'or') return anyOf(compileCheapestFirst(form.operands, context));
  if (form.kind !== 'not') return compileTerm(form, context);
  const matches = compileTerm(form.operand, context);
  return (table, row) => !matches(table, row);
}

function compileCheapestFirst(
  forms: readonly NormalForm[],
  context: PredicateContext,
): readonly RowPredicate[] {
  return forms
    .toSorted((a, b) => costOf(a) - costOf(b))
    .map((operand) => compile(operand, context));
}

/** Owners and ages are looked up outside the table, so they come last. */
function costOf(form: NormalForm): number {
  if (form.kind === 'and' || form.kind === 'or') {
    return form.operands.reduce((cost, operand) => Math.max(cost, costOf(operand)), 0);
  }
  const { kind } = form.kind === 'not' ? form.operand : form;
  if (kind === 'pid' || kind === 'command') return 2;
  return kind === 'age' ? 1 : 0;
}

function compileTerm(term: Term, context: PredicateContext): RowPredicate {
  switch (term.kind) {
    case 'state':
      return matchStates(term.mask);
    case 'host':
      return matchHost(term);
    case 'port': {
      const portOf = term.side === 'local' ? localPortOf : remotePortOf;
      const compare = comparatorOf(term.operator, term.port);
      return (table, row) => compare(portOf(table, row));
    }
    case 'device':
      return (table, row) => table.device[row] === term.ifindex;
    case 'age':
      return matchAge(term, context);
    case 'number':
      return matchNumber(term);
    case 'pid': {
      const compare = comparatorOf(term.operator, term.pid);
      return matchOwner(context, ({ pid }) => compare(pid));
    }
    case 'command': {
      const { text, operator } = term;
      return operator === '='
        ? matchOwner(context, ({ command }) => command === text)
        : matchOwner(context, ({ command }) => command.includes(text));
    }
    case 'mark':
    case 'cgroup':
    case 'autobound':
      throw new FilterError(
        `${kernelOnlyName(term)} is known to the kernel alone: it cannot be tested on recorded sockets`,
        term.position,
      );
    default:
      return term satisfies never;
  }
}

function matchStates(mask: number): RowPredicate {
  const wanted = rowStatesOf(mask);
  return (table, row) => wanted[kernelStateOf(table, row)] === 1;
}

function matchAge({ operator, ms }: AgeTerm, { ageOf }: PredicateContext): RowPredicate {
  const compare = comparatorOf(operator, ms);
  if (operator === '>' || operator === '>=') {
    return (table, row) => compare(ageOf(table, row).minMs);
  }
  return (table, row) => {
    const { maxMs } = ageOf(table, row);
    return maxMs !== null && compare(maxMs);
  };
}

function matchNumber({ field, operator, value }: NumberTerm): RowPredicate {
  const compare = comparatorOf(operator, value);
  switch (field) {
    case 'uid':
      return ({ uid, inode }, row) => (uid[row] !== 0 || inode[row] !== 0) && compare(uid[row]);
    case 'recvq':
      return ({ recvQ }, row) => compare(recvQ[row]);
    case 'sendq':
      return ({ sendQ }, row) => compare(sendQ[row]);
    case 'netns':
      return ({ netns }, row) => compare(netns[row]);
    default:
      return field satisfies never;
  }
}

function matchOwner(
  { ownersOf }: PredicateContext,
  test: (owner: SocketOwner) => boolean,
): RowPredicate {
  return ({ inode }, row) => {
    if (inode[row] === 0) return false;
    for (const owner of ownersOf(inode[row])) if (test(owner)) return true;
    return false;
  };
}

function comparatorOf(operator: Comparison, bound: number): (value: number) => boolean {
  switch (operator) {
    case '=':
      return (value) => value === bound;
    case '!=':
      return (value) => value !== bound;
    case '<':
      return (value) => value < bound;
    case '<=':
      return (value) => value <= bound;
    case '>':
      return (value) => value > bound;
    case '>=':
      return (value) => value >= bound;
    default:
      return operator satisfies never;
  }
}
