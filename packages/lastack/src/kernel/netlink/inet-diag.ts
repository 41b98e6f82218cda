// Read first: include/uapi/linux/netlink.h (messages), include/uapi/linux/inet_diag.h (requests and answers),
// net/ipv4/inet_diag.c (what fills them). Offsets below are in 32-bit words: every message is 4-aligned.
import { AF_INET6, UNKNOWN_SEGMENTS, type SocketTableBuilder } from '@lastack/core';

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
/** `NLM_F_DUMP_INTR`: the table changed under the dump in a way that may have lost rows. */
const NLM_F_DUMP_INTR = 0x10;
const NLMSG_HEADER_WORDS = 4;

/** struct inet_diag_msg: 4 bytes, inet_diag_sockid of 48, then expires, rqueue, wqueue, uid, inode. */
const INET_DIAG_MSG_WORDS = 18;
const ADDRESSES = 2;
const SOURCE = 2;
const DESTINATION = 6;
const DEVICE = 10;
const COOKIE = 11;
const EXPIRES = 13;
const RECV_Q = 14;
const SEND_Q = 15;
const UID = 16;
const INODE = 17;

/** Attributes behind the message. */
const INET_DIAG_INFO = 2;
const INET_DIAG_SKV6ONLY = 11;

/** struct tcp_info, in words. */
const TCPI_LAST_DATA_SENT = 11;
const TCPI_LAST_DATA_RECV = 13;
const TCPI_LAST_ACK_RECV = 14;
const TCPI_DATA_SEGS_IN = 38;

/** The smallest answer: a netlink header and struct inet_diag_msg. */
export const SMALLEST_ROW_WORDS = NLMSG_HEADER_WORDS + INET_DIAG_MSG_WORDS;

/** Where a buffer of answers ended. */
export type DumpProgress =
  | { readonly kind: 'more'; readonly interrupted: boolean }
  | { readonly kind: 'done'; readonly interrupted: boolean }
  | { readonly kind: 'error'; readonly errno: number }
  | { readonly kind: 'malformed'; readonly at: number };

const MORE: DumpProgress = { kind: 'more', interrupted: false };
const MORE_INTERRUPTED: DumpProgress = { kind: 'more', interrupted: true };

/**
 * Appends the sockets of one received buffer to a table. Every length is checked against the buffer before it is used.
 * @param words the buffer, in the host's byte order
 * @param bytes how much of it was received
 * @param netns inode of the network namespace that was asked
 * @param stopAtDone false reads on behind the end of a dump: a recorded file holds several
 */
export function parseInetDiag(
  words: Uint32Array,
  bytes: number,
  table: SocketTableBuilder,
  netns: number,
  stopAtDone = true,
): DumpProgress {
  const end = bytes >>> 2;
  let interrupted = false;
  table.reserve(Math.ceil(end / SMALLEST_ROW_WORDS));
  const { head, ports, source, destination, device, cookieLow, cookieHigh } = table;
  const { expires, recvQ, sendQ, uid, inode, netns: netnsColumn } = table;
  let row = table.count;
  let at = 0;
  while (at < end) {
    const length = words[at];
    const next = at + ((length + 3) >>> 2);
    if (length < 16 || next > end || at + NLMSG_HEADER_WORDS > end) {
      table.count = row;
      return { kind: 'malformed', at: at * 4 };
    }
    const type = words[at + 1] & 0xffff;
    if (((words[at + 1] >>> 16) & NLM_F_DUMP_INTR) !== 0) interrupted = true;
    if (type === NLMSG_DONE) {
      if (stopAtDone) {
        table.count = row;
        return { kind: 'done', interrupted };
      }
      at = next;
      continue;
    }
    if (type === NLMSG_ERROR || length < SMALLEST_ROW_WORDS * 4) {
      table.count = row;
      if (type !== NLMSG_ERROR || length < 20) return { kind: 'malformed', at: at * 4 };
      return { kind: 'error', errno: -(words[at + 4] | 0) };
    }
    const message = at + NLMSG_HEADER_WORDS;
    const first = words[message];
    head[row] = first;
    ports[row] = words[message + 1];
    if ((first & 0xff) === AF_INET6) {
      source[row] = table.addAddresses6(words, message + ADDRESSES);
      destination[row] = 0;
    } else {
      source[row] = words[message + SOURCE];
      destination[row] = words[message + DESTINATION];
    }
    device[row] = words[message + DEVICE];
    cookieLow[row] = words[message + COOKIE];
    cookieHigh[row] = words[message + COOKIE + 1];
    expires[row] = words[message + EXPIRES];
    recvQ[row] = words[message + RECV_Q];
    sendQ[row] = words[message + SEND_Q];
    uid[row] = words[message + UID];
    inode[row] = words[message + INODE];
    netnsColumn[row] = netns;
    if (table.info !== null || (first & 0xff) === AF_INET6) {
      parseAttributes(words, message + INET_DIAG_MSG_WORDS, next, table, row);
    }
    row++;
    at = next;
  }
  table.count = row;
  return interrupted ? MORE_INTERRUPTED : MORE;
}

function parseAttributes(
  words: Uint32Array,
  start: number,
  end: number,
  table: SocketTableBuilder,
  row: number,
): void {
  const { info } = table;
  if (info !== null) info.known[row] = 0;
  for (let at = start; at < end;) {
    const length = words[at] & 0xffff;
    const next = at + ((length + 3) >>> 2);
    // A malformed attribute ends the row's attributes; the row itself is whole.
    if (length < 4 || next > end) return;
    const type = words[at] >>> 16;
    if (type === INET_DIAG_SKV6ONLY && length >= 5) table.destination[row] = words[at + 1] & 0xff;
    if (type === INET_DIAG_INFO && info !== null && next - at - 1 > TCPI_LAST_ACK_RECV) {
      info.known[row] = 1;
      info.lastDataSent[row] = words[at + 1 + TCPI_LAST_DATA_SENT];
      info.lastDataRecv[row] = words[at + 1 + TCPI_LAST_DATA_RECV];
      info.lastAckRecv[row] = words[at + 1 + TCPI_LAST_ACK_RECV];
      info.dataSegsIn[row] =
        next - at - 1 > TCPI_DATA_SEGS_IN ? words[at + 1 + TCPI_DATA_SEGS_IN] : UNKNOWN_SEGMENTS;
    }
    at = next;
  }
}
