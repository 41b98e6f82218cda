import { AF_INET, AF_INET6, familyOf, localPortOf, remotePortOf } from '../socket/row.ts';
import type { HostTerm } from './ast.ts';
import { allOf, type RowPredicate } from './row-predicate.ts';

/** The third word of an IPv4-mapped address, ::ffff:a.b.c.d, in network order. */
const MAPPED = new Uint32Array(Uint8Array.of(0, 0, 0xff, 0xff).buffer)[0];
/** A row of `addresses6` is source and destination, four words each. */
const WORDS_A_ROW = 8;
const WORDS_AN_ADDRESS = 4;

/** The test that INET_DIAG_BC_S_COND and D_COND make in the kernel, on a row. */
export function matchHost(term: HostTerm): RowPredicate {
  const { family, port, address } = term;
  const tests: RowPredicate[] = [];
  if (family !== null) {
    const wanted = family === 'inet' ? AF_INET : AF_INET6;
    tests.push((table, row) => familyOf(table, row) === wanted);
  }
  if (port !== null) {
    const portOf = term.side === 'local' ? localPortOf : remotePortOf;
    tests.push((table, row) => portOf(table, row) === port);
  }
  if (address !== null) tests.push(matchAddress(term, address));
  return tests.length === 1 ? tests[0] : allOf(tests);
}

function matchAddress({ side, prefix }: HostTerm, address: Uint8Array): RowPredicate {
  const offset = side === 'local' ? 0 : WORDS_AN_ADDRESS;
  // The words of the table are in network order; bytes read as words become the same.
  const words = new Uint32Array(Uint8Array.from(address).buffer);
  const masks = maskWords(address.length, prefix);
  if (address.length === 16) {
    return ({ head, source, addresses6 }, row) => {
      if ((head[row] & 0xff) !== AF_INET6) return false;
      const first = source[row] * WORDS_A_ROW + offset;
      for (let i = 0; i < WORDS_AN_ADDRESS; i++) {
        if (((addresses6[first + i] ^ words[i]) & masks[i]) !== 0) return false;
      }
      return true;
    };
  }
  const column = side === 'local' ? 'source' : 'destination';
  const [word] = words;
  const [mask] = masks;
  return (table, row) => {
    if (familyOf(table, row) === AF_INET) return ((table[column][row] ^ word) & mask) === 0;
    const { addresses6 } = table;
    const first = table.source[row] * WORDS_A_ROW + offset;
    return (
      addresses6[first] === 0 &&
      addresses6[first + 1] === 0 &&
      addresses6[first + 2] === MAPPED &&
      ((addresses6[first + 3] ^ word) & mask) === 0
    );
  };
}

/** `prefix` one bits, in network order. */
function maskWords(length: number, prefix: number): Uint32Array {
  const bytes = Uint8Array.from({ length }, (_, i) => {
    const ones = Math.min(8, Math.max(0, prefix - i * 8));
    return (0xff << (8 - ones)) & 0xff;
  });
  return new Uint32Array(bytes.buffer);
}
