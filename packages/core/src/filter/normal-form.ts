import type { AllOf, AnyOf, Comparison, Expression, Not, Term } from './ast.ts';
import { oppositeStates } from './states.ts';

/** A filter in which `not` stands before single terms only. */
export type NormalForm = NormalAllOf | NormalAnyOf | NegatedTerm | Term;

interface NormalAllOf extends AllOf {
  readonly operands: readonly NormalForm[];
}

interface NormalAnyOf extends AnyOf {
  readonly operands: readonly NormalForm[];
}

export interface NegatedTerm extends Not {
  readonly operand: Term;
}

const OPPOSITE = {
  '=': '!=',
  '!=': '=',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
} as const satisfies Record<Comparison, Comparison>;

/**
 * Moves every `not` inwards (De Morgan), into masks of states, and into comparisons of what may be unknown:
 * `not age > 5m` becomes `age <= 5m`, so that a socket of unknown age matches neither.
 */
export function normalize(expression: Expression, negated = false): NormalForm {
  switch (expression.kind) {
    case 'not':
      return normalize(expression.operand, !negated);
    case 'and':
    case 'or': {
      const kind = (expression.kind === 'and') === negated ? 'or' : 'and';
      const operands = expression.operands.map((operand) => normalize(operand, negated));
      return { kind, operands, position: expression.position };
    }
    case 'state':
      return negated ? { ...expression, mask: oppositeStates(expression.mask) } : expression;
    case 'age':
    case 'port':
      return negated ? { ...expression, operator: OPPOSITE[expression.operator] } : expression;
    case 'number':
      return negated ? { ...expression, operator: OPPOSITE[expression.operator] } : expression;
    case 'host':
    case 'device':
    case 'mark':
    case 'cgroup':
    case 'autobound':
    case 'pid':
    case 'command':
      return negated
        ? { kind: 'not', operand: expression, position: expression.position }
        : expression;
    default:
      return expression satisfies never;
  }
}

/** Every term of a filter, negated or not. */
export function* termsOf(form: NormalForm): Generator<Term> {
  if (form.kind === 'and' || form.kind === 'or') {
    for (const operand of form.operands) yield* termsOf(operand);
  } else {
    yield form.kind === 'not' ? form.operand : form;
  }
}

/** What must hold all at once. */
export function conjunctsOf(form: NormalForm): readonly NormalForm[] {
  return form.kind === 'and' ? form.operands.flatMap(conjunctsOf) : [form];
}
