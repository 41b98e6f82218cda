import type { Filter } from '../filter/ast.ts';
import { needsOf } from '../filter/needs.ts';
import { compilePredicate } from '../filter/predicate.ts';
import { AF_INET6 } from '../socket/row.ts';
import { SocketTableBuilder } from '../socket/table-builder.ts';
import { KERNEL_STATE } from '../tcp/state.ts';
import type { ObservedTransition } from './follower.ts';
import type { TraceRecord } from './trace-record.ts';

const NOBODY = () => [];

/** Whether a socket, as it is after a change, is one that the user wants to see. */
export type Matcher = (record: TraceRecord, transition: ObservedTransition) => boolean;

/** Words of the filter language that a change of state says nothing about. */
export function unknownToTrace(filter: Filter): string | null {
  const { owners, age } = needsOf(filter);
  if (owners) return 'pid and comm (use --pid)';
  return age ? 'age' : null;
}

/** ss's filter, tested on a table of one row that each record is written into. */
export function createMatcher(filter: Filter): Matcher {
  const predicate = compilePredicate(filter, {
    ownersOf: NOBODY,
    ageOf: () => ({ minMs: 0, maxMs: null, exact: false }),
  });
  const table = new SocketTableBuilder(1, false);
  table.addAddresses6(new Uint32Array(8), 0);
  return (record, { to, local }) => {
    const { addresses, at, family } = record;
    table.head[0] = family | (KERNEL_STATE[to] << 8);
    table.ports[0] = swap16(local.port) | (swap16(record.remotePort) << 16);
    if (family === AF_INET6) {
      table.source[0] = 0;
      for (let word = 0; word < 8; word++) table.addresses6[word] = addresses[at + word];
    } else {
      table.source[0] = addresses[at];
      table.destination[0] = addresses[at + 4];
    }
    table.netns[0] = record.netns ?? 0;
    table.count = 1;
    return predicate(table, 0);
  };
}

function swap16(port: number): number {
  return ((port & 0xff) << 8) | (port >>> 8);
}
