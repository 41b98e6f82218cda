import { ALL_STATES_MASK } from '../tcp/state.ts';
import type { Filter } from './ast.ts';
import { FilterError } from './filter-error.ts';
import { conjunctsOf, normalize, termsOf } from './normal-form.ts';
import { possibleStates } from './possible-states.ts';
import { intersectStates } from './states.ts';

/**
 * Refuses a filter whose states exclude each other: `state close-wait and state fin-wait-2` would find nothing, ever, and who
 * writes it means `or`.
 * @throws {FilterError}
 */
export function checkStates({ states, expression }: Filter): void {
  if (expression === null) return;
  const form = normalize(expression);
  let left = states ?? ALL_STATES_MASK;
  for (const conjunct of conjunctsOf(form)) {
    left = intersectStates(left, possibleStates(conjunct));
    if (left === 0) {
      throw new FilterError(
        "no state is left: a socket is in one at a time, so join states with 'or'",
        conjunct.position,
      );
    }
  }
  if (states === null) return;
  for (const term of termsOf(form)) {
    if (term.kind === 'state' && intersectStates(states, term.mask) === 0) {
      throw new FilterError(
        'this state never comes: those in front hold for all that follows; put them into parentheses with what they belong to',
        term.position,
      );
    }
  }
}
