import { AF_INET, AF_INET6, seen, SocketTableBuilder, type Observation } from '@lastack/core';
import { malformed } from './read-proc.ts';
import { MS_PER_TICK } from './stat.ts';

/** The text is longer than this per row: 150 bytes for IPv4, more for IPv6. */
const BYTES_PER_ROW = 150;
/** `tr` of get_tcp4_sock(): 1 retransmit, 2 keepalive, 3 TIME-WAIT, 4 zero-window probe, as `idiag_timer`. */
const TIMER_RETRANSMIT = 1;
const SPACE = 0x20;
const NEWLINE = 0x0a;
const COLON = 0x3a;

/**
 * Parses /proc/net/tcp or /proc/net/tcp6 into a table: net/ipv4/tcp_ipv4.c get_tcp4_sock(), get_openreq4(),
 * get_timewait4_sock(), and their namesakes in net/ipv6/tcp_ipv6.c.
 *
 * What the text lacks: cookies (0), the bound device (0), tcp_info, and the accept queue's limit, so `sendQ` of a LISTEN
 * socket is 0; its `recvQ` is the queue's length as in sock_diag. Timers have steps of 10 ms.
 *
 * Addresses are words of the kernel's memory printed as numbers, so on the same machine the number is the word again.
 */
export function parseTcpText(
  text: Uint8Array,
  family: typeof AF_INET | typeof AF_INET6,
  netns: number,
  table: SocketTableBuilder,
): Observation<SocketTableBuilder> {
  const cursor = new Cursor(text);
  cursor.nextLine();
  table.reserve(Math.ceil(text.length / BYTES_PER_ROW));
  const words = new Uint32Array(8);
  const half = family === AF_INET ? 1 : 4;
  while (!cursor.atEnd) {
    const start = cursor.at;
    cursor.number(10, COLON);
    for (let i = 0; i < half; i++) words[i] = cursor.word();
    const localPort = cursor.port();
    for (let i = 0; i < half; i++) words[half + i] = cursor.word();
    const remotePort = cursor.port();
    const state = cursor.number(16, SPACE);
    const sendQ = cursor.number(16, COLON);
    const recvQ = cursor.number(16, SPACE);
    const timer = cursor.number(16, COLON);
    const ticks = cursor.number(16, SPACE);
    const retransmits = cursor.number(16, SPACE);
    const uid = cursor.number(10, SPACE);
    const probes = cursor.number(10, SPACE);
    const inode = cursor.number(10, SPACE);
    if (cursor.isDamaged || state > 0xff || timer > 0xff) return damagedRow(text, start);
    cursor.nextLine();

    table.reserve(1);
    const row = table.count++;
    // sock_diag reports the probes for the keepalive and the probe timer (net/ipv4/inet_diag.c).
    const tries = timer <= TIMER_RETRANSMIT ? retransmits : probes;
    table.head[row] = family | (state << 8) | (timer << 16) | ((tries & 0xff) << 24);
    table.ports[row] = swap16(localPort) | (swap16(remotePort) << 16);
    table.source[row] = family === AF_INET6 ? table.addAddresses6(words, 0) : words[0];
    table.destination[row] = family === AF_INET6 ? 0 : words[1];
    table.expires[row] = ticks * MS_PER_TICK;
    table.recvQ[row] = recvQ;
    table.sendQ[row] = sendQ;
    table.uid[row] = uid;
    table.inode[row] = inode;
    table.netns[row] = netns;
  }
  return seen(table);
}

/** Reads fields from left to right; once one is not as expected, `isDamaged` stays set. */
class Cursor {
  at = 0;
  isDamaged = false;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.at >= this.#bytes.length;
  }

  nextLine(): void {
    const end = this.#bytes.indexOf(NEWLINE, this.at);
    this.at = end === -1 ? this.#bytes.length : end + 1;
  }

  /** A number after any spaces, and the character behind it. At most 2^32 − 1, or it is damage. */
  number(base: 10 | 16, end: number): number {
    const bytes = this.#bytes;
    while (bytes[this.at] === SPACE) this.at++;
    const from = this.at;
    let value = 0;
    for (let digit = digitOf(bytes[this.at]); digit < base; digit = digitOf(bytes[++this.at])) {
      value = value * base + digit;
      if (value > 0xffff_ffff) break;
    }
    if (this.at === from || value > 0xffff_ffff || bytes[this.at] !== end) this.isDamaged = true;
    this.at++;
    return value;
  }

  /** Eight hexadecimal digits. */
  word(): number {
    const bytes = this.#bytes;
    while (bytes[this.at] === SPACE) this.at++;
    let value = 0;
    for (let i = 0; i < 8; i++) {
      const digit = digitOf(bytes[this.at++]);
      if (digit > 15) this.isDamaged = true;
      value = (value << 4) | digit;
    }
    return value >>> 0;
  }

  /** `:` and four hexadecimal digits. */
  port(): number {
    if (this.#bytes[this.at++] !== COLON) this.isDamaged = true;
    const value = this.number(16, SPACE);
    if (value > 0xffff) this.isDamaged = true;
    return value;
  }
}

/** The value of a digit, upper or lower case; 16 for any other byte or none. */
function digitOf(byte: number | undefined): number {
  if (byte === undefined) return 16;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 16;
}

function swap16(port: number): number {
  return ((port & 0xff) << 8) | (port >>> 8);
}

function damagedRow(text: Uint8Array, start: number) {
  return malformed(
    'a row of /proc/net/tcp',
    new TextDecoder().decode(text.subarray(start, start + 60)),
  );
}
