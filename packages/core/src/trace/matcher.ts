import type { Filter, Term } from '../filter/ast.ts';
import { normalize, termsOf } from '../filter/normal-form.ts';
import { compilePredicate } from '../filter/predicate.ts';
import { AF_INET6 } from '../socket/row.ts';
import { SocketTableBuilder } from '../socket/table-builder.ts';
import { KERNEL_STATE } from '../tcp/state.ts';
import type { ObservedTransition } from './follower.ts';
import type { TraceRecord } from './trace-record.ts';

const NOBODY = () => [];

/** Whether a socket, as it is after a change, is one that the user wants to see. */
export type Matcher = (record: TraceRecord, transition: ObservedTransition) => boolean;

/** A word of the filter that a change of state says nothing about, or null. */
export function unknownToTrace(filter: Filter, knowsNetns: boolean): string | null {
  const terms = filter.expression === null ? [] : [...termsOf(normalize(filter.expression))];
  return terms.map((term) => wordUnknown(term, knowsNetns)).find((word) => word !== null) ?? null;
}

function wordUnknown(term: Term, knowsNetns: boolean): string | null {
  switch (term.kind) {
    case 'state':
    case 'host':
    case 'port':
      return null;
    case 'number':
      return term.field === 'netns' && knowsNetns ? null : term.field;
    case 'pid':
    case 'command':
      return 'pid and comm (use --pid)';
    case 'device':
      return 'dev';
    case 'mark':
      return 'fwmark';
    case 'age':
    case 'cgroup':
    case 'autobound':
      return term.kind;
    default:
      return term satisfies never;
  }
}

/** ss's filter, tested on a table of one row that each record is written into. */
export function createMatcher(filter: Filter): Matcher {
  if (filter.states === null && filter.expression === null) return () => true;
  const predicate = compilePredicate(filter, {
    ownersOf: NOBODY,
    ageOf: () => ({ minMs: 0, maxMs: null, exact: false }),
  });
  const table = new SocketTableBuilder(1, false);
  table.addAddresses6(new Uint32Array(8), 0);
  const { head, ports, source, destination, addresses6, netns } = table;
  table.count = 1;
  return (record, { to, local }) => {
    const { addresses, at, family } = record;
    head[0] = family | (KERNEL_STATE[to] << 8);
    ports[0] = swap16(local.port) | (swap16(record.remotePort) << 16);
    if (family === AF_INET6) {
      source[0] = 0;
      for (let word = 0; word < 8; word++) addresses6[word] = addresses[at + word];
    } else {
      source[0] = addresses[at];
      destination[0] = addresses[at + 4];
    }
    netns[0] = record.netns ?? 0;
    return predicate(table, 0);
  };
}

function swap16(port: number): number {
  return ((port & 0xff) << 8) | (port >>> 8);
}
