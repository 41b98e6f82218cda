import { writeSync } from 'node:fs';
import { loadLibc } from '../kernel/ffi.ts';
import { UserError } from './user-error.ts';

/** Thrown to end the program quietly: whoever read our output has gone (`| head`). */
export class ReaderGone extends Error {}

/**
 * Writes all bytes to a descriptor, without Node's stream: rows by the hundred thousand pass a stream at half the speed.
 * @throws ReaderGone on EPIPE
 * @throws UserError when it cannot be written (a full disk)
 */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at, bytes.length - at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') throw new ReaderGone();
      if (code !== 'EAGAIN')
        throw new UserError(`Cannot write the output: ${code}. Direct it elsewhere.`);
      // A pipe that another program made non-blocking is full: let its reader work.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

const F_SETPIPE_SZ = 1031;
const WIDE_PIPE = 1 << 20;

/** Gives a pipe of ours more room, where it is one: a reader that works at the same time is waited for less often. */
export function widenPipe(fd: number): void {
  const libc = loadLibc();
  if (libc.kind === 'ok') libc.value.fcntl(fd, F_SETPIPE_SZ, WIDE_PIPE);
}

export function print(text: string): void {
  writeAll(1, Buffer.from(text));
}

export function printError(text: string): void {
  try {
    writeAll(2, Buffer.from(text));
  } catch {
    // There is nobody left to tell.
  }
}
