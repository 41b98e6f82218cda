/**
 * Arithmetic on 32-bit sequence numbers (RFC 9293 §3.4): they wrap, so an order exists only between
 * numbers that are less than 2^31 apart.
 */

/** How far `a` is after `b`, in bytes; negative when it is before. */
export function distance(a: number, b: number): number {
  return (a - b) | 0;
}

/** The sequence number `bytes` after `seq`. */
export function advance(seq: number, bytes: number): number {
  return (seq + bytes) >>> 0;
}
