// Sockets by where they go to, over hundreds of thousands of rows: a hash table in typed arrays, no object a row.
import { AF_INET6, familyOf } from '../socket/row.ts';
import type { SocketTable } from '../socket/table.ts';

/** `::ffff:0:0/96` as the third word of an address, in the byte order of the machine. */
const MAPPED = new Uint32Array(Uint8Array.of(0, 0, 0xff, 0xff).buffer)[0];
const WORDS = 8;
const HASHES = 65_536;

export type GroupedBy = 'source' | 'source and destination';

/**
 * The groups of rows that share the source address, and the destination's address and port if asked for, and that have
 * `least` members or more. An IPv4-mapped address is the IPv4 address, as the kernel takes it when it looks for a free port.
 * Rows are counted by a hash of 16 bits first; only those of hashes that are frequent enough are compared: 200,000 rows in
 * about 10 ms.
 */
export function largeGroups(
  table: SocketTable,
  rows: Uint32Array,
  by: GroupedBy,
  least: number,
): number[][] {
  const whole = by === 'source and destination';
  const hashes = hashesOf(table, rows, whole);
  const counts = new Uint32Array(HASHES);
  for (let at = 0; at < rows.length; at++) counts[hashes[at]]++;
  const groupsByHash = new Map<number, number[][]>();
  let hash = -1;
  let groups: number[][] = [];
  for (let at = 0; at < rows.length; at++) {
    if (counts[hashes[at]] < least) continue;
    if (hashes[at] !== hash) {
      hash = hashes[at];
      groups = groupsByHash.get(hash) ?? [];
      groupsByHash.set(hash, groups);
    }
    const row = rows[at];
    const group = groupOf(groups, table, row, whole);
    if (group === undefined) groups.push([row]);
    else group.push(row);
  }
  return [...groupsByHash.values()].flat().filter(({ length }) => length >= least);
}

function groupOf(
  groups: readonly number[][],
  table: SocketTable,
  row: number,
  whole: boolean,
): number[] | undefined {
  for (let at = 0; at < groups.length; at++) {
    if (isSame(table, groups[at][0], row, whole)) return groups[at];
  }
  return undefined;
}

function hashesOf(table: SocketTable, rows: Uint32Array, whole: boolean): Uint16Array {
  const { head, ports, source, destination } = table;
  const hashes = new Uint16Array(rows.length);
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at];
    const port = whole ? ports[row] >>> 16 : 0;
    const hash =
      (head[row] & 0xff) === AF_INET6
        ? hashIpv6(table, row, port, whole)
        : mixed(mixed(port, source[row]), whole ? destination[row] : 0);
    hashes[at] = hash >>> 16;
  }
  return hashes;
}

function hashIpv6(table: SocketTable, row: number, port: number, whole: boolean): number {
  if (!isPlainIpv6(table, row)) {
    return mixed(mixed(port, sourceWord(table, row)), whole ? destinationWord(table, row) : 0);
  }
  let hash = port;
  const start = table.source[row] * WORDS;
  const end = start + (whole ? WORDS : WORDS / 2);
  for (let at = start; at < end; at++) hash = mixed(hash, table.addresses6[at]);
  return hash;
}

function isSame(table: SocketTable, a: number, b: number, whole: boolean): boolean {
  if (whole && table.ports[a] >>> 16 !== table.ports[b] >>> 16) return false;
  const isIpv6 = isPlainIpv6(table, a);
  if (isIpv6 !== isPlainIpv6(table, b)) return false;
  if (isIpv6) {
    const [left, right] = [table.source[a] * WORDS, table.source[b] * WORDS];
    const end = whole ? WORDS : WORDS / 2;
    for (let at = 0; at < end; at++) {
      if (table.addresses6[left + at] !== table.addresses6[right + at]) return false;
    }
    return true;
  }
  if (sourceWord(table, a) !== sourceWord(table, b)) return false;
  return !whole || destinationWord(table, a) === destinationWord(table, b);
}

function isPlainIpv6(table: SocketTable, row: number): boolean {
  if (familyOf(table, row) !== AF_INET6) return false;
  const { addresses6 } = table;
  const at = table.source[row] * WORDS;
  return addresses6[at] !== 0 || addresses6[at + 1] !== 0 || addresses6[at + 2] !== MAPPED;
}

function sourceWord(table: SocketTable, row: number): number {
  return familyOf(table, row) === AF_INET6
    ? table.addresses6[table.source[row] * WORDS + 3]
    : table.source[row];
}

function destinationWord(table: SocketTable, row: number): number {
  return familyOf(table, row) === AF_INET6
    ? table.addresses6[table.source[row] * WORDS + 7]
    : table.destination[row];
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}
