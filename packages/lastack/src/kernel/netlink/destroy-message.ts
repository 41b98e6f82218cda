import { AF_INET6, familyOf, type SocketTable } from '@lastack/core';
import { foreignBuffer } from '../ffi.ts';

/** include/uapi/linux/sock_diag.h. */
const SOCK_DESTROY = 21;
const NLM_F_REQUEST_ACK = 0x1 | 0x4;
const IPPROTO_TCP = 6;

/** nlmsghdr (16 bytes), then struct inet_diag_req_v2: family, protocol, ext, pad; states; sockid (48 bytes). */
const MESSAGE_BYTES = 72;
const STATES_WORD = 5;
const SOCKID_WORD = 6;

/** The request that destroys one socket. Its cookie makes sure that it is this one (net/core/sock_diag.c). */
export function destroyMessage(table: SocketTable, row: number): Buffer<ArrayBuffer> {
  const message = foreignBuffer(MESSAGE_BYTES);
  message.writeUInt32LE(MESSAGE_BYTES, 0);
  message.writeUInt16LE(SOCK_DESTROY, 4);
  message.writeUInt16LE(NLM_F_REQUEST_ACK, 6);
  const family = familyOf(table, row);
  message[16] = family;
  message[17] = IPPROTO_TCP;
  const words = new Uint32Array(message.buffer);
  words[STATES_WORD] = 0xffff_ffff;
  words[SOCKID_WORD] = table.ports[row];
  if (family === AF_INET6) {
    const start = table.source[row] * 8;
    words.set(table.addresses6.subarray(start, start + 8), SOCKID_WORD + 1);
  } else {
    words[SOCKID_WORD + 1] = table.source[row];
    words[SOCKID_WORD + 5] = table.destination[row];
  }
  words[SOCKID_WORD + 9] = table.device[row];
  words[SOCKID_WORD + 10] = table.cookieLow[row];
  words[SOCKID_WORD + 11] = table.cookieHigh[row];
  return message;
}
