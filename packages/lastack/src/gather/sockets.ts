import { readFileSync, readlinkSync } from 'node:fs';
import { seen, unavailable, type Observation, type SocketTable } from '@lastack/core';
import { loadLibc } from '../kernel/ffi.ts';
import { KernelError } from '../kernel/kernel-error.ts';
import { SockDiag, type DumpRequest } from '../kernel/netlink/sock-diag.ts';

/** Reads the TCP sockets of our own network namespace through sock_diag. */
export function readSockets(request: DumpRequest): Observation<SocketTable> {
  const libc = loadLibc();
  if (libc.kind === 'unavailable') return libc;
  try {
    using diag = new SockDiag(libc.value);
    return seen(diag.dump({ expected: expectedRows(), ...request }, ownNetns()));
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return unavailable(
      error.message,
      'allow AF_NETLINK sockets (a seccomp filter may forbid them)',
    );
  }
}

export function ownNetns(): number {
  const match = /\[(\d+)\]/.exec(readlinkSync('/proc/self/ns/net'));
  return match === null ? 0 : Number(match[1]);
}

/** How many sockets the kernel counts, with some room: growing columns of 200,000 rows would copy megabytes. */
function expectedRows(): number {
  try {
    const v4 = /^TCP: inuse (\d+) orphan \d+ tw (\d+)/m.exec(
      readFileSync('/proc/self/net/sockstat', 'latin1'),
    );
    const v6 = /^TCP6: inuse (\d+)/m.exec(readFileSync('/proc/self/net/sockstat6', 'latin1'));
    const known = Number(v4?.[1] ?? 0) + Number(v4?.[2] ?? 0) + Number(v6?.[1] ?? 0);
    return Math.ceil(known * 1.02) + 1024;
  } catch {
    return 4096;
  }
}
