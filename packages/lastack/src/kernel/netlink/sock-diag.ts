import { endianness } from 'node:os';
import type { SocketTableBuilder } from '@lastack/core';
import { foreignBuffer, type Libc } from '../ffi.ts';
import { KernelError } from '../kernel-error.ts';
import { parseInetDiag } from './inet-diag.ts';

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0x80000;
const NETLINK_SOCK_DIAG = 4;
const MSG_DONTWAIT = 0x40;
const NLM_F_REQUEST_DUMP = 0x1 | 0x300;
/** The legacy request: with an unspecified family it gives IPv4 and IPv6 in one pass, 0.8 times the cost of two. */
const TCPDIAG_GETSOCK = 18;
const INET_DIAG_REQ_BYTECODE = 1;
const INET_DIAG_INFO_BIT = 1 << 1;

/** nlmsghdr, then struct inet_diag_req: family, src_len, dst_len, ext; sockid (48 bytes); states; dbs. */
const REQUEST_BYTES = 76;
const EXT = 19;
const STATES = 68;

/** The kernel fills skbs of this size once it has seen a reader with such a buffer; larger ones gained nothing. */
const BUFFER_BYTES = 32 * 1024;
const ATTEMPTS = 4;

export interface DumpRequest {
  /** Bit n asks for kernel state n. */
  readonly states: number;
  /** INET_DIAG_BC program that the kernel runs on each socket. */
  readonly bytecode?: Uint8Array | null;
  /** Whether to read tcp_info too: 25–30 % dearer. */
  readonly info?: boolean;
}

/** A socket of NETLINK_SOCK_DIAG; it belongs to the network namespace in which it was opened. */
export class SockDiag {
  readonly #libc: Libc;
  readonly #fd: number;

  /** @throws KernelError when the kernel refuses netlink */
  constructor(libc: Libc) {
    if (endianness() !== 'LE') throw new Error('sock_diag is read on little-endian hosts only');
    this.#libc = libc;
    this.#fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_SOCK_DIAG);
    if (this.#fd < 0) throw new KernelError('open a sock_diag socket', libc.errno());
  }

  /**
   * Appends all TCP sockets that fit the request. A dump that the kernel marks as interrupted is repeated.
   * @param netns inode of this socket's network namespace, for the rows
   * @throws KernelError
   */
  dump(request: DumpRequest, netns: number, table: SocketTableBuilder): void {
    const before = table.count;
    for (let attempt = 1; this.#dumpInto(table, request, netns) && attempt < ATTEMPTS; attempt++) {
      table.count = before;
    }
  }

  /** Sends one message and returns the errno of the kernel's acknowledgement, 0 for success. */
  acknowledge(message: Uint8Array): number {
    const libc = this.#libc;
    if (libc.send(this.#fd, message, message.length, 0) < 0) return libc.errno();
    const buffer = foreignBuffer(4096);
    const received = libc.recv(this.#fd, buffer, buffer.length, 0);
    if (received < 0) return libc.errno();
    return received >= 20 ? -buffer.readInt32LE(16) : 71; // EPROTO
  }

  [Symbol.dispose](): void {
    this.#libc.close(this.#fd);
  }

  #dumpInto(table: SocketTableBuilder, request: DumpRequest, netns: number): boolean {
    const libc = this.#libc;
    const buffer = foreignBuffer(BUFFER_BYTES);
    const words = new Uint32Array(buffer.buffer);
    // The first read tells the kernel how large our buffer is: without it the first skbs hold 4 KiB.
    libc.recv(this.#fd, buffer, BUFFER_BYTES, MSG_DONTWAIT);
    const message = dumpMessage(request);
    if (libc.send(this.#fd, message, message.length, 0) < 0) {
      throw new KernelError('ask sock_diag for TCP sockets', libc.errno());
    }
    let interrupted = false;
    for (;;) {
      const received = libc.recv(this.#fd, buffer, BUFFER_BYTES, 0);
      if (received < 0) throw new KernelError('read TCP sockets from sock_diag', libc.errno());
      const progress = parseInetDiag(words, received, table, netns);
      switch (progress.kind) {
        case 'more':
          interrupted ||= progress.interrupted;
          break;
        case 'done':
          return interrupted || progress.interrupted;
        case 'error':
          throw new KernelError('read TCP sockets from sock_diag', progress.errno);
        case 'malformed':
          throw new KernelError('parse an answer of sock_diag', 74); // EBADMSG
        default:
          progress satisfies never;
      }
    }
  }
}

function dumpMessage(request: DumpRequest): Uint8Array {
  const bytecode = request.bytecode ?? null;
  const attributeBytes = bytecode === null ? 0 : 4 + bytecode.length;
  const message = foreignBuffer(REQUEST_BYTES + attributeBytes);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(TCPDIAG_GETSOCK, 4);
  message.writeUInt16LE(NLM_F_REQUEST_DUMP, 6);
  if (request.info === true) message[EXT] = INET_DIAG_INFO_BIT;
  message.writeUInt32LE(request.states, STATES);
  if (bytecode !== null) {
    message.writeUInt16LE(4 + bytecode.length, REQUEST_BYTES);
    message.writeUInt16LE(INET_DIAG_REQ_BYTECODE, REQUEST_BYTES + 2);
    message.set(bytecode, REQUEST_BYTES + 4);
  }
  return message;
}
