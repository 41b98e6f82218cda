import { createRequire } from 'node:module';

/** The one file that loads the FFI: koffi, an optional peer dependency. */
type Ioctl = (fd: number, request: number, result: Int32Array) => number;

/** linux/sockios.h; of a TCP socket `write_seq - snd_una`, which counts a FIN as one. */
const SIOCOUTQ = 0x5411;

const result = new Int32Array(1);
let ioctl: Ioctl | null | undefined;

/** Whether this process can ask the kernel: Linux, and koffi is installed. Loads koffi on the first call (some ms, once). */
export function canAskForUnacked(): boolean {
  ioctl ??= load();
  return ioctl !== null;
}

/**
 * How much a TCP socket has handed to the kernel and the peer's kernel has not acknowledged: sequence numbers, so a FIN
 * that was sent and not acknowledged counts as one.
 * @returns null where nobody can say: no koffi, no Linux, or no TCP descriptor
 */
export function readUnacked(fd: number): number | null {
  if (!canAskForUnacked() || ioctl === null || ioctl === undefined) return null;
  return ioctl(fd, SIOCOUTQ, result) === 0 ? result[0] : null;
}

function load(): Ioctl | null {
  if (process.platform !== 'linux') return null;
  try {
    const require = createRequire(import.meta.url);
    const koffi = require('koffi') as typeof import('koffi');
    return koffi.load('libc.so.6').func('int ioctl(int, unsigned long, _Out_ int32_t *)') as Ioctl;
  } catch {
    // Not installed, or not for this C library: delivery stays unknown, which the report says.
    return null;
  }
}
