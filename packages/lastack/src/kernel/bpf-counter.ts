import { createMap } from './bpf.ts';
import type { Libc } from './ffi.ts';
import { KernelError } from './kernel-error.ts';

const BPF_MAP_TYPE_ARRAY = 2;
const BPF_F_MMAPABLE = 1024;
const PAGE_BYTES = 4096;

/** A 64-bit number that BPF programs raise, as element 0 of an array map. */
export interface BpfCounter extends Disposable {
  readonly fd: number;
  read(): number;
}

/** @throws {KernelError} EPERM without CAP_BPF */
export function mapCounter(libc: Libc): BpfCounter {
  const map = createMap(libc, {
    type: BPF_MAP_TYPE_ARRAY,
    keyBytes: 4,
    valueBytes: 8,
    entries: 1,
    flags: BPF_F_MMAPABLE,
  });
  const memory = libc.map(PAGE_BYTES, false, map.fd, 0);
  if (memory === null) {
    const errno = libc.errno();
    map[Symbol.dispose]();
    throw new KernelError('mmap of a BPF map', errno);
  }
  const value = new BigUint64Array(memory, 0, 1);
  return {
    fd: map.fd,
    read: () => Number(Atomics.load(value, 0)),
    [Symbol.dispose]() {
      libc.unmap(memory);
      map[Symbol.dispose]();
    },
  };
}
