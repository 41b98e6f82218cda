import type { Socket } from 'node:net';
import { foreignBuffer, loadLibc } from '../../kernel/ffi.ts';

const IPPROTO_TCP = 6;
/** include/uapi/linux/tcp.h */
const TCP_QUICKACK = 12;

const ON = foreignBuffer(4);
ON.writeInt32LE(1);

/**
 * Acknowledges what was received at once: a sender with Nagle's algorithm waits up to 40 ms for that before it sends the rest.
 * Without the FFI it comes when the kernel sees fit.
 */
export function acknowledgeNow(socket: Socket): void {
  const { _handle: handle } = socket as Socket & { readonly _handle?: { readonly fd?: number } };
  const libc = loadLibc();
  if (libc.kind !== 'ok' || handle?.fd === undefined || handle.fd < 0) return;
  libc.value.setsockopt(handle.fd, IPPROTO_TCP, TCP_QUICKACK, ON, ON.length);
}
