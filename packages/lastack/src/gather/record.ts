import { gzipSync } from 'node:zlib';
import { printable, ROW_COLUMNS, type Evidence, type SocketTable } from '@lastack/core';

export const RECORD_FORMAT = 'lastack-record/1';

/** Evidence as a file: gzipped JSON in which columns are base64 of their little-endian bytes. `replay()` reads it. */
export function recordBytes(evidence: Evidence): Buffer {
  const text = JSON.stringify({ format: RECORD_FORMAT, evidence }, (_key, value: unknown) =>
    encode(value),
  );
  return gzipSync(text, { level: 6 });
}

function encode(value: unknown): unknown {
  // Paths and names that programs chose; `replay()` takes none that a terminal would obey.
  if (typeof value === 'string') return printable(value);
  if (isTable(value)) return trimmed(value);
  if (value instanceof Uint32Array) return { u32: base64(value) };
  if (value instanceof Uint8Array) return { u8: base64(value) };
  if (value instanceof Map) return { map: [...value] };
  return value;
}

function base64({ buffer, byteOffset, byteLength }: Uint32Array | Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

function isTable(value: unknown): value is SocketTable {
  return typeof value === 'object' && value !== null && 'addresses6' in value;
}

/** Columns have room for more rows than there are; a plain object, so that it is not trimmed again. */
function trimmed(table: SocketTable): unknown {
  const { count, info, addresses6 } = table;
  const columns = ROW_COLUMNS.map((name) => [name, encode(table[name].subarray(0, count))]);
  const infoColumns = Object.entries(info ?? {}).map(([name, column]: [string, Uint32Array]) => [
    name,
    encode(column.subarray(0, count)),
  ]);
  return {
    count,
    columns: Object.fromEntries(columns),
    addresses: encode(addresses6),
    info: info === null ? null : Object.fromEntries(infoColumns),
  };
}
