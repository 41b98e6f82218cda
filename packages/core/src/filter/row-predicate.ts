import type { SocketTable } from '../socket/table.ts';

/** A test of one row; it allocates nothing, for it runs on every row of a dump. */
export type RowPredicate = (table: SocketTable, row: number) => boolean;

export function allOf(tests: readonly RowPredicate[]): RowPredicate {
  return (table, row) => {
    for (const test of tests) if (!test(table, row)) return false;
    return true;
  };
}

export function anyOf(tests: readonly RowPredicate[]): RowPredicate {
  return (table, row) => {
    for (const test of tests) if (test(table, row)) return true;
    return false;
  };
}
