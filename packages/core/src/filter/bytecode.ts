import { ALL_STATES_MASK } from '../tcp/state.ts';
import type { Filter } from './ast.ts';
import { assemble } from './assemble.ts';
import { FilterError } from './filter-error.ts';
import { isKernelOnly, isKernelTerm, kernelOnlyName } from './needs.ts';
import { conjunctsOf, normalize, termsOf, type NormalForm } from './normal-form.ts';
import { isStatesOnly, possibleStates } from './possible-states.ts';
import { intersectStates } from './states.ts';

/** A netlink attribute's length is 16 bits and includes its header. */
const MAX_BYTECODE = 0xffff - 4 - 3;

/** A filter, divided between the kernel and us. */
export interface KernelFilter {
  /** `idiag_states` of the dump request: the states in which the filter can hold. */
  readonly states: number;
  /** The INET_DIAG_REQ_BYTECODE attribute's payload, in the byte order of this machine; null to send none. */
  readonly bytecode: Uint8Array | null;
  /** Every row of the dump matches. Otherwise the predicate of `residual` must still run. */
  readonly exact: boolean;
  /** What the kernel does not decide. It never contains `fwmark`, `cgroup` or `autobound`. */
  readonly residual: Filter;
}

/**
 * Divides a filter: what the kernel can test becomes bytecode and a mask of states, the rest stays. Conditions joined by `and`
 * part cleanly; of the others the kernel gets a weaker condition, which drops only rows that cannot match. Bytecode knows no
 * states, so a condition of states joined to others by `or` is tested by us.
 * @throws {FilterError} where only the kernel can test a term, and the other terms around it can be tested by us only
 */
export function compileBytecode(filter: Filter): KernelFilter {
  const all = filter.expression === null ? [] : conjunctsOf(normalize(filter.expression));
  const states = all.map(possibleStates).reduce(intersectStates, filter.states ?? ALL_STATES_MASK);
  const conjuncts = all.filter((conjunct) => !isStatesOnly(conjunct));
  const decided = conjuncts.filter(isDecidable);
  const open = conjuncts.filter((conjunct) => !isDecidable(conjunct));
  for (const conjunct of open) {
    refuseKernelOnly(conjunct, 'other conditions here are not: join them to it by and only');
  }
  for (const weak of [open.map(weaken), []]) {
    const tested = [...decided, ...weak.filter((form) => form !== null)];
    const bytecode = tested.length === 0 ? null : assemble(tested);
    if (bytecode === null || bytecode.length <= MAX_BYTECODE) {
      return { states, bytecode, exact: open.length === 0, residual: filterOf(open) };
    }
  }
  // Too long for the kernel: we can test it instead, unless it has terms that we cannot.
  for (const conjunct of decided) {
    refuseKernelOnly(conjunct, 'the filter is too long for it: write a shorter one');
  }
  return { states, bytecode: null, exact: false, residual: filterOf(conjuncts) };
}

function isDecidable(form: NormalForm): boolean {
  return [...termsOf(form)].every(isKernelTerm);
}

/** A condition for the kernel that holds wherever the given one does; null when that is any socket. */
function weaken(form: NormalForm): NormalForm | null {
  if (form.kind === 'and' || form.kind === 'or') {
    const operands = form.operands.map(weaken).filter((operand) => operand !== null);
    const isTrue =
      form.kind === 'and' ? operands.length === 0 : operands.length < form.operands.length;
    return isTrue ? null : { ...form, operands };
  }
  return isDecidable(form) ? form : null;
}

function refuseKernelOnly(form: NormalForm, because: string): void {
  for (const term of termsOf(form)) {
    if (isKernelOnly(term)) {
      throw new FilterError(
        `${kernelOnlyName(term)} is tested by the kernel, and ${because}`,
        term.position,
      );
    }
  }
}

function filterOf(conjuncts: readonly NormalForm[]): Filter {
  if (conjuncts.length === 0) return { states: null, expression: null };
  const [{ position }] = conjuncts;
  return { states: null, expression: { kind: 'and', operands: conjuncts, position } };
}
