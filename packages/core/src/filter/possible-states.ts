import { ALL_STATES_MASK } from '../tcp/state.ts';
import { termsOf, type NormalForm } from './normal-form.ts';
import { intersectStates } from './states.ts';

/**
 * The kernel's mask of the states in which a condition can hold. It is exact for a condition of states alone; every other is
 * taken to hold in any state of `ALL_STATES_MASK`.
 */
export function possibleStates(form: NormalForm): number {
  if (form.kind === 'state') return form.mask;
  if (form.kind === 'and') return form.operands.map(possibleStates).reduce(intersectStates);
  if (form.kind === 'or') return form.operands.map(possibleStates).reduce((a, b) => a | b);
  return ALL_STATES_MASK;
}

/** The condition asks for nothing but states. */
export function isStatesOnly(form: NormalForm): boolean {
  return [...termsOf(form)].every(({ kind }) => kind === 'state');
}
