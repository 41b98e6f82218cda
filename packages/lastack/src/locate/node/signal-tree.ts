import { closeSync, openSync, readSync } from 'node:fs';
import { seen, unavailable, type Observation } from '@lastack/core';
import { readProcLink, readProcText } from '../../kernel/procfs/read-proc.ts';
import type { ElfSymbols } from '../elf.ts';

// Read first: libuv, src/unix/signal.c and the fields of UV_SIGNAL_PRIVATE_FIELDS in include/uv/unix.h.

/** A static variable of libuv; link-time optimization gives it a suffix. */
export const SIGNAL_TREE_SYMBOLS = ['uv__signal_tree', 'uv__signal_tree.0'] as const;

/** uv_signal_t on a 64-bit machine: int signum, and the left and right child of its red-black tree. */
const SIGNUM_AT = 104;
const LEFT_AT = 112;
const RIGHT_AT = 120;
const NODE_BYTES = 128;

/** A program handles a few; a worker thread of its own can add some. More is not a tree. */
const MOST_NODES = 512;
const LAST_SIGNAL = 64;

/** Bytes of the process at an address; it throws where there are none. */
export type ReadMemory = (address: number, length: number) => Buffer;

/** The signals that a program handles through libuv, read from its memory without stopping it. */
export function readUserSignals(pid: number, symbols: ElfSymbols): Observation<readonly number[]> {
  const tree = SIGNAL_TREE_SYMBOLS.map((name) => symbols.addresses.get(name)).find(Boolean);
  const remedy = 'restart it with --inspect=127.0.0.1:9230, or start it with `lastack run`';
  if (tree === undefined) {
    return unavailable(`the signal handlers of process ${pid} cannot be found`, remedy);
  }
  const bias = biasOf(pid, symbols);
  if (bias.kind !== 'ok') return bias;
  let fd = -1;
  try {
    fd = openSync(`/proc/${pid}/mem`, 'r');
    const signals = parseSignalTree(tree + bias.value, (address, length) =>
      readExactly(fd, address, length),
    );
    if (signals !== null) return seen(signals);
    return unavailable(`the signal handlers of process ${pid} cannot be made out`, remedy);
  } catch {
    return unavailable(`cannot read the memory of process ${pid}`, 'run as root');
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

/**
 * Walks libuv's tree of signal handlers.
 * @param address of `uv__signal_tree`, a pointer to the root
 * @returns null when it is not as libuv writes it
 */
export function parseSignalTree(address: number, read: ReadMemory): readonly number[] | null {
  const signals: number[] = [];
  const queue = [pointer(read(address, 8), 0)];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (next === 0) continue;
    const node = read(next, NODE_BYTES);
    const signal = node.readInt32LE(SIGNUM_AT);
    if (signal < 1 || signal > LAST_SIGNAL || signals.length >= MOST_NODES) return null;
    signals.push(signal);
    queue.push(pointer(node, LEFT_AT), pointer(node, RIGHT_AT));
  }
  return signals;
}

/** How far the executable lies from where its symbols say. */
function biasOf(pid: number, { movable, base }: ElfSymbols): Observation<number> {
  if (!movable) return seen(0);
  const executable = readProcLink(`/proc/${pid}/exe`);
  const maps = readProcText(`/proc/${pid}/maps`);
  if (executable.kind === 'ok' && maps.kind === 'ok') {
    const first = maps.value.split('\n').find((line) => line.endsWith(` ${executable.value}`));
    if (first !== undefined) return seen(Number.parseInt(first, 16) - base);
  }
  return unavailable(`cannot read /proc/${pid}/maps`, 'run as root');
}

function pointer(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

function readExactly(fd: number, address: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  if (readSync(fd, bytes, 0, length, address) !== length) throw new RangeError('not mapped');
  return bytes;
}
