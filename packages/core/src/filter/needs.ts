import type { AutoboundTerm, CgroupTerm, Filter, MarkTerm, Term } from './ast.ts';
import { normalize, termsOf } from './normal-form.ts';

/** What a filter wants to know beyond the rows of a dump; gathering anything else for it would be waste. */
export interface FilterNeeds {
  /** Which processes hold the sockets. */
  readonly owners: boolean;
  /** How long the sockets have been in their states: `tcp_info`. */
  readonly age: boolean;
  /** The kernel itself: `fwmark`, `cgroup`, `autobound` are in no row, so the filter cannot run on a recorded table. */
  readonly kernel: boolean;
}

/** @example needsOf(parseFilter('pid = 812')) // { owners: true, age: false, kernel: false } */
export function needsOf(filter: Filter): FilterNeeds {
  const terms = filter.expression === null ? [] : [...termsOf(normalize(filter.expression))];
  return {
    owners: terms.some(({ kind }) => kind === 'pid' || kind === 'command'),
    age: terms.some(({ kind }) => kind === 'age'),
    kernel: terms.some(isKernelOnly),
  };
}

/** The kernel knows it and tells no one. */
export function isKernelOnly(term: Term): term is MarkTerm | CgroupTerm | AutoboundTerm {
  return term.kind === 'mark' || term.kind === 'cgroup' || term.kind === 'autobound';
}

/** The word that the filter has for it. */
export function kernelOnlyName({ kind }: MarkTerm | CgroupTerm | AutoboundTerm): string {
  return kind === 'mark' ? 'fwmark' : kind;
}

/** INET_DIAG_BC has an operation for it. */
export function isKernelTerm(term: Term): boolean {
  return (
    term.kind === 'host' || term.kind === 'port' || term.kind === 'device' || isKernelOnly(term)
  );
}
