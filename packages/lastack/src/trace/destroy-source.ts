import { seen, unavailable, type Observation, type TraceRecord } from '@lastack/core';
import { foreignBuffer, type Libc } from '../kernel/ffi.ts';
import type { TraceSource } from './trace-source.ts';

// Read first: sock_diag_broadcast_destroy() in net/core/sock_diag.c; struct inet_diag_msg in include/uapi/linux/inet_diag.h.

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
/** SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY. */
const GROUPS = [1, 3];
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const MSG_DONTWAIT = 0x40;
const ENOBUFS = 105;
const BUFFER_BYTES = 65_536;
const TCP_CLOSE = 7;
/** nlmsghdr and inet_diag_msg. */
const MESSAGE_BYTES = 16 + 72;

/** Hears of sockets of its own network namespace when the kernel destroys them. Anybody may. */
export function openDestroySource(libc: Libc): Observation<TraceSource> {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_SOCK_DIAG);
  const number = foreignBuffer(4);
  const set = (level: number, name: number, value: number) => {
    number.writeInt32LE(value);
    return libc.setsockopt(fd, level, name, number, 4);
  };
  const address = foreignBuffer(12);
  address.writeUInt16LE(AF_NETLINK);
  if (fd >= 0) set(SOL_SOCKET, SO_RCVBUF, 1 << 22);
  const joins = () =>
    GROUPS.every((group) => set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group) === 0);
  if (fd < 0 || libc.bind(fd, address, 12) !== 0 || !joins()) {
    const errno = libc.errno();
    if (fd >= 0) libc.close(fd);
    return unavailable(
      `the kernel's news of destroyed sockets cannot be had (errno ${errno})`,
      'use a Linux kernel from 4.2 on',
    );
  }
  const buffer = foreignBuffer(BUFFER_BYTES);
  let lost = 0;
  return seen({
    method: 'destroy multicast',
    limits: 'all but that a socket is gone: its states before, why, and who closed it',
    knowsNetns: false,
    hasCookies: true,
    poll(record) {
      for (let count = 0; ;) {
        const bytes = libc.recv(fd, buffer, BUFFER_BYTES, MSG_DONTWAIT);
        if (bytes < 0 && libc.errno() === ENOBUFS) {
          // The kernel does not say how many.
          lost++;
          continue;
        }
        if (bytes <= 0) return count;
        const destroyed = parseDestroyed(buffer.subarray(0, bytes), Date.now());
        for (const found of destroyed) record(found);
        count += destroyed.length;
      }
    },
    lost: () => lost,
    [Symbol.dispose]: () => void libc.close(fd),
  });
}

/** The sockets of a netlink datagram; what is too short is left out. */
export function parseDestroyed(bytes: Buffer, atMs: number): TraceRecord[] {
  const records: TraceRecord[] = [];
  for (let at = 0; at + MESSAGE_BYTES <= bytes.length;) {
    const length = bytes.readUInt32LE(at);
    if (length < MESSAGE_BYTES || at + length > bytes.length) break;
    const message = bytes.subarray(at + 16);
    const addresses = Uint32Array.from({ length: 8 }, (_, word) =>
      message.readUInt32LE(8 + 4 * word),
    );
    records.push({
      atMs,
      socket: message.readUInt32LE(48) * 2 ** 32 + message.readUInt32LE(44),
      netns: null,
      from: 0,
      to: TCP_CLOSE,
      family: message[0],
      localPort: message.readUInt16BE(4),
      remotePort: message.readUInt16BE(6),
      addresses,
      at: 0,
      error: null,
      running: null,
      finReceived: null,
      orphaned: null,
      unread: null,
      acked: null,
      received: null,
    });
    at += (length + 3) & ~3;
  }
  return records;
}
