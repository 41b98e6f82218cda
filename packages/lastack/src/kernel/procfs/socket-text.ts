import {
  AF_INET,
  AF_INET6,
  seen,
  SocketTableBuilder,
  unavailable,
  type Observation,
  type SocketTable,
} from '@lastack/core';
import { readProcBytes } from './read-proc.ts';
import { parseTcpText } from './tcp-text.ts';

/** A million IPv6 rows. */
const LONGEST = 256 << 20;
const FIRST_ROWS = 256;

/**
 * Reads the TCP sockets of a network namespace from its text files, for a system where sock_diag cannot be used. See
 * `parseTcpText()` for what they lack. The files are read in pieces while the table changes: a socket may be missing, or
 * appear twice.
 * @param folder `/proc/net`, or `/proc/PID/net` for the namespace of a process
 * @param netns inode of that namespace, for the column of that name
 */
export function readSocketText(folder: string, netns: number): Observation<SocketTable> {
  const table = new SocketTableBuilder(FIRST_ROWS, false);
  for (const { name, family } of FILES) {
    const bytes = readProcBytes(`${folder}/${name}`, LONGEST);
    if (bytes.kind === 'unavailable') return bytes;
    if (bytes.kind === 'gone') {
      // A kernel without IPv6 has no tcp6.
      if (family === AF_INET6) continue;
      return unavailable(`there is no ${folder}/${name}`, 'run lastack again');
    }
    if (bytes.value.length === LONGEST) {
      return unavailable(`${folder}/${name} is longer than ${LONGEST} bytes`, 'allow sock_diag');
    }
    const parsed = parseTcpText(bytes.value, family, netns, table);
    if (parsed.kind !== 'ok') return parsed;
  }
  return seen(table);
}

const FILES = [
  { name: 'tcp', family: AF_INET },
  { name: 'tcp6', family: AF_INET6 },
] as const;
