import { readlinkSync } from 'node:fs';
import { seen, unavailable, type Observation } from '@lastack/core';
import { openIterator, type BpfDescriptor } from './bpf.ts';
import { readBtf } from './btf-cache.ts';
import { foreignBuffer, type Libc } from './ffi.ts';
import { KernelError } from './kernel-error.ts';
import { addOwnerRows, noOwners, type OwnerColumns } from './owner-columns.ts';
import { TASK_FILES_BTF, assembleTaskFiles } from './task-files-program.ts';

/** PROC_PID_INIT_INO (include/linux/proc_ns.h): the process numbers that the kernel itself counts in. */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

/** An iterator gives at most PAGE_SIZE << 3 bytes a read; readv goes on only while it fills each vector exactly. */
const VECTOR_BYTES = 32_000;
/** 512,000 rows in one call. Memory that is not written to is not there. */
const VECTORS = 256;

const EAGAIN = 11;
const EPERM = 1;

/** A started iterator over the descriptors of all processes; read once or dispose. */
export interface TaskFiles extends Disposable {
  /**
   * All descriptors that refer to TCP sockets. The kernel works in a pool thread: what the caller does until it awaits,
   * runs beside it.
   *
   * @throws {KernelError} when the kernel stops the reading
   */
  read(): Promise<OwnerColumns>;
}

/**
 * Starts the BPF iterator `task_file` (kernel/bpf/task_iter.c, Linux 5.11), which names every TCP descriptor of the host at
 * 0.5 µs each, where reading links takes 3.5. Needs root or CAP_BPF + CAP_PERFMON, BTF, and the initial PID namespace.
 */
export function startTaskFiles(libc: Libc): Observation<TaskFiles> {
  const problem = pidNamespaceProblem();
  if (problem !== null) return problem;
  const btf = readBtf('task-files', TASK_FILES_BTF);
  if (btf.kind === 'unavailable') return btf;
  try {
    const iterator = openIterator(libc, {
      name: 'lastack_files',
      code: assembleTaskFiles(btf.value),
      target: btf.value.functions['bpf_iter_task_file'],
    });
    return seen({
      read: () => readAll(libc, iterator),
      [Symbol.dispose]: () => iterator[Symbol.dispose](),
    });
  } catch (error) {
    // RangeError: an offset that does not fit an instruction, so that the type information cannot be right.
    if (!(error instanceof KernelError || error instanceof RangeError)) throw error;
    return error instanceof KernelError && error.errno === EPERM
      ? unavailable('BPF is not permitted', 'run as root or with CAP_BPF and CAP_PERFMON')
      : unavailable(`BPF was refused (${error.message})`, 'use a Linux kernel from 5.11 on');
  }
}

/** In another PID namespace the kernel's process numbers are not those of /proc. */
function pidNamespaceProblem(): Observation<never> | null {
  const remedy = 'run in the PID namespace of the host (docker run --pid=host)';
  try {
    const namespace = readlinkSync('/proc/self/ns/pid');
    return namespace === INITIAL_PID_NAMESPACE
      ? null
      : unavailable('BPF numbers processes as the host does, and this is a PID namespace', remedy);
  } catch {
    return unavailable('the PID namespace is unknown: cannot read /proc/self/ns/pid', remedy);
  }
}

async function readAll(libc: Libc, iterator: BpfDescriptor): Promise<OwnerColumns> {
  using descriptor = iterator;
  const buffer = foreignBuffer(VECTORS * VECTOR_BYTES);
  const words = new Uint32Array(buffer.buffer);
  const vectors = describeVectors(libc.addressOf(buffer));
  const owners = noOwners('with tcp');
  for (;;) {
    let bytes = await libc.readvInThread(descriptor.fd, vectors, VECTORS);
    if (bytes < 0) bytes = readAgain(libc, descriptor.fd, buffer);
    if (bytes === 0) return owners;
    if (bytes > 0) addOwnerRows(owners, words.subarray(0, bytes / 4));
  }
}

/**
 * errno belongs to a thread, so the pool's is unknown here. The kernel stops with EAGAIN after a million descriptors without
 * a row (MAX_ITER_OBJECTS); that gives −1.
 */
function readAgain(libc: Libc, fd: number, buffer: Uint8Array): number {
  const bytes = libc.read(fd, buffer, VECTOR_BYTES);
  if (bytes >= 0) return bytes;
  const errno = libc.errno();
  if (errno !== EAGAIN) throw new KernelError('read of the BPF iterator task_file', errno);
  return -1;
}

/** struct iovec { void *iov_base; size_t iov_len; } */
function describeVectors(base: number): Buffer {
  const vectors = foreignBuffer(VECTORS * 16);
  for (let i = 0; i < VECTORS; i++) {
    vectors.writeBigUInt64LE(BigInt(base + i * VECTOR_BYTES), i * 16);
    vectors.writeBigUInt64LE(BigInt(VECTOR_BYTES), i * 16 + 8);
  }
  return vectors;
}
