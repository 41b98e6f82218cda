import { readFileSync } from 'node:fs';
import { SocketTableBuilder } from '@lastack/core';
import { parseInetDiag } from '../kernel/netlink/inet-diag.ts';
import type { SocketsRead } from './sockets.ts';

/** A file of raw sock_diag answers, as `ss -D FILE` writes it. */
export function readRawDump(path: string): SocketsRead {
  const file = readFileSync(path);
  const words = new Uint32Array(Math.floor(file.length / 4));
  new Uint8Array(words.buffer).set(file.subarray(0, words.byteLength));
  const table = new SocketTableBuilder(0, true);
  const progress = parseInetDiag(words, file.length, table, 0, false);
  if (progress.kind === 'malformed' || file.length % 4 !== 0) {
    const at = progress.kind === 'malformed' ? progress.at : words.byteLength;
    throw new Error(
      `${path} is no sock_diag dump, or a cut off one: byte ${at} does not fit. Write it with ss -t -a -D FILE`,
    );
  }
  if (progress.kind === 'error')
    throw new Error(`${path} holds the kernel's error ${progress.errno}`);
  return { table, netns: [], method: 'sock_diag', methodReason: null };
}
