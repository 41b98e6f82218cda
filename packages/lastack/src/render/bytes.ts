// Text as bytes in a buffer: each function writes at `at` and returns where it ended, so that hot loops keep both in registers.

const SPACE = 32;
const ZERO = 48;
const DOT = 46;
const COLON = 58;
const LETTER_A = 97;

/** Up to three digits of each octet, the first in the lowest byte, and how many there are. */
const OCTETS = Uint32Array.from({ length: 256 }, (_, octet) =>
  Array.from(String(octet)).reduce((word, digit, i) => word | (digit.charCodeAt(0) << (8 * i)), 0),
);
const OCTET_LENGTHS = Uint8Array.from({ length: 256 }, (_, octet) => String(octet).length);

export function putBytes(buffer: Uint8Array, at: number, bytes: Uint8Array): number {
  // For the few bytes of a name a loop is faster than set().
  for (let i = 0; i < bytes.length; i++) buffer[at + i] = bytes[i];
  return at + bytes.length;
}

/** Text of ASCII characters only. */
export function putAscii(buffer: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) buffer[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Spaces up to a position; at least one. */
export function putSpaces(buffer: Uint8Array, at: number, until: number): number {
  do buffer[at++] = SPACE;
  while (at < until);
  return at;
}

/** An unsigned 32-bit number, decimal. */
export function putNumber(buffer: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    buffer[at] = ZERO + value;
    return at + 1;
  }
  const end = at + decimalDigits(value);
  let rest = value;
  for (let i = end - 1; i >= at; i--) {
    const tenth = Math.floor(rest / 10);
    buffer[i] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  return end;
}

/** A dotted quad. @param word in network byte order, as the kernel gives it */
export function putIpv4(buffer: Uint8Array, at: number, word: number): number {
  at = putOctet(buffer, at, word & 0xff);
  buffer[at++] = DOT;
  at = putOctet(buffer, at, (word >>> 8) & 0xff);
  buffer[at++] = DOT;
  at = putOctet(buffer, at, (word >>> 16) & 0xff);
  buffer[at++] = DOT;
  return putOctet(buffer, at, word >>> 24);
}

function putOctet(buffer: Uint8Array, at: number, octet: number): number {
  const word = OCTETS[octet];
  buffer[at] = word & 0xff;
  buffer[at + 1] = (word >>> 8) & 0xff;
  buffer[at + 2] = (word >>> 16) & 0xff;
  return at + OCTET_LENGTHS[octet];
}

/**
 * An IPv6 address as `formatAddress()` writes it: RFC 5952, with dotted quads where inet_ntop(3) has them.
 * @param words in network byte order, four from `from` on
 */
export function putIpv6(buffer: Uint8Array, at: number, words: Uint32Array, from: number): number {
  const high = words[from] | words[from + 1];
  const third = words[from + 2];
  if (high === 0 && third === 0xffff_0000) {
    return putIpv4(buffer, putAscii(buffer, at, '::ffff:'), words[from + 3]);
  }
  // ::a.b.c.d, but not :: and ::1, whose last groups are zero or the end of a longer run.
  if (high === 0 && third === 0 && (words[from + 3] & 0xffff) !== 0) {
    return putIpv4(buffer, putAscii(buffer, at, '::'), words[from + 3]);
  }
  let runStart = 8;
  let runLength = 1;
  for (let group = 0; group < 8;) {
    let end = group;
    while (end < 8 && groupOf(words, from, end) === 0) end++;
    if (end - group > runLength) {
      runStart = group;
      runLength = end - group;
    }
    group = end + 1;
  }
  for (let group = 0; group < 8; group++) {
    if (group === runStart) {
      buffer[at++] = COLON;
      if (group === 0) buffer[at++] = COLON;
      group += runLength - 1;
      continue;
    }
    at = putHex(buffer, at, groupOf(words, from, group));
    if (group < 7) buffer[at++] = COLON;
  }
  return at;
}

function groupOf(words: Uint32Array, from: number, group: number): number {
  const half = (words[from + (group >>> 1)] >>> ((group & 1) * 16)) & 0xffff;
  return ((half & 0xff) << 8) | (half >>> 8);
}

/** Up to four hexadecimal digits without leading zeros. */
function putHex(buffer: Uint8Array, at: number, group: number): number {
  let shift = group > 0xfff ? 12 : group > 0xff ? 8 : group > 0xf ? 4 : 0;
  for (; shift >= 0; shift -= 4) {
    const digit = (group >>> shift) & 0xf;
    buffer[at++] = digit < 10 ? ZERO + digit : LETTER_A + digit - 10;
  }
  return at;
}

function decimalDigits(value: number): number {
  if (value < 100) return value < 10 ? 1 : 2;
  if (value < 10_000) return value < 1000 ? 3 : 4;
  if (value < 1_000_000) return value < 100_000 ? 5 : 6;
  if (value < 100_000_000) return value < 10_000_000 ? 7 : 8;
  return value < 1_000_000_000 ? 9 : 10;
}
