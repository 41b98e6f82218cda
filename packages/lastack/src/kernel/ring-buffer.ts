import { createMap, type BpfDescriptor } from './bpf.ts';
import type { Libc } from './ffi.ts';
import { KernelError } from './kernel-error.ts';

// Read first: Documentation/bpf/ringbuf.rst. User space maps the consumer's position (writable), the producer's, and the data
// twice in a row, so that a record never wraps. A record is { __u32 length | flags; __u32 page; } and its bytes, 8-aligned.

const BPF_MAP_TYPE_RINGBUF = 27;
const PAGE_BYTES = 4096;
const HEADER_BYTES = 8;
/** BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT of the length. */
const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;
/** Room is given back to the writers after so many records, not only after all. */
const RECORDS_AT_A_TIME = 4096;

/** Records that BPF programs write and this process reads, in order, without a system call. */
export interface RingBuffer extends Disposable {
  readonly fd: number;
  /**
   * Gives each record that is complete: its first word within `words`, valid only during the call.
   *
   * @returns how many there were
   */
  read(record: (words: Uint32Array<ArrayBuffer>, at: number) => void): number;
}

/**
 * @param bytes a power of two, at least a page
 * @throws {KernelError} EPERM without CAP_BPF
 */
export function createRingBuffer(libc: Libc, bytes: number): RingBuffer {
  const map = createMap(libc, {
    type: BPF_MAP_TYPE_RINGBUF,
    keyBytes: 0,
    valueBytes: 0,
    entries: bytes,
    flags: 0,
  });
  try {
    return mapRingBuffer(libc, map, bytes);
  } catch (error) {
    map[Symbol.dispose]();
    throw error;
  }
}

function mapRingBuffer(libc: Libc, map: BpfDescriptor, bytes: number): RingBuffer {
  const consumer = mapped(libc, PAGE_BYTES, true, map.fd, 0);
  const producer = mapped(libc, PAGE_BYTES + 2 * bytes, false, map.fd, PAGE_BYTES);
  // Both positions count bytes without end; the difference of their low words is what has not been read.
  const consumed = new BigUint64Array(consumer, 0, 1);
  const produced = new BigUint64Array(producer, 0, 1);
  const words = new Uint32Array(producer, PAGE_BYTES);
  let position = Number(consumed[0]);
  return {
    fd: map.fd,
    read(record) {
      const end = Number(Atomics.load(produced, 0));
      let count = 0;
      while (position < end) {
        if (count % RECORDS_AT_A_TIME === 0) Atomics.store(consumed, 0, BigInt(position));
        const at = (position & (bytes - 1)) >>> 2;
        const header = words[at];
        if ((header & BUSY) !== 0) break;
        if ((header & DISCARDED) === 0) {
          record(words, at + 2);
          count++;
        }
        const length = header & ~(BUSY | DISCARDED);
        position += (length + HEADER_BYTES + 7) & ~7;
      }
      Atomics.store(consumed, 0, BigInt(position));
      return count;
    },
    [Symbol.dispose]() {
      libc.unmap(producer);
      libc.unmap(consumer);
      map[Symbol.dispose]();
    },
  };
}

function mapped(
  libc: Libc,
  bytes: number,
  writable: boolean,
  fd: number,
  offset: number,
): ArrayBuffer {
  const memory = libc.map(bytes, writable, fd, offset);
  if (memory === null) throw new KernelError('mmap of a BPF map', libc.errno());
  return memory;
}
