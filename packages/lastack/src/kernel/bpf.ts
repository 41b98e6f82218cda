import { foreignBuffer, type Libc } from './ffi.ts';
import { INSTRUCTION_BYTES } from './bpf-assembler.ts';
import { KernelError } from './kernel-error.ts';

// Read first: union bpf_attr in include/uapi/linux/bpf.h. Fields that are not written are zero, which the kernel checks.

const BPF_PROG_LOAD = 5;
const BPF_LINK_CREATE = 28;
const BPF_ITER_CREATE = 33;

const BPF_MAP_CREATE = 0;
const BPF_RAW_TRACEPOINT_OPEN = 17;

const BPF_PROG_TYPE_TRACING = 26;
const BPF_TRACE_ITER = 28;
/** enum bpf_attach_type: BPF_TRACE_RAW_TP, BPF_TRACE_FENTRY, BPF_TRACE_FEXIT. */
const ATTACH_TYPE = { tracepoint: 23, entry: 24, exit: 25 } as const;

const EPERM = 1;
const EAGAIN = 11;
const LOAD_ATTEMPTS = 5;
const LOG_BYTES = 65_536;
/** BPF_OBJ_NAME_LEN, with the NUL. */
const NAME_BYTES = 16;

/** A program over kernel objects, or at a place in the kernel. */
export interface BpfProgram {
  /** At most 15 of `[A-Za-z0-9_.]`, shown by bpftool. */
  readonly name: string;
  /** What `assemble()` gave. */
  readonly code: Uint8Array;
  /** BTF id of what it belongs to: `bpf_iter_<target>`, `btf_trace_<tracepoint>`, a function. */
  readonly target: number;
}

/** A program that runs whenever the kernel passes a tracepoint, enters a function or leaves it. */
export interface TracingProgram extends BpfProgram {
  readonly at: keyof typeof ATTACH_TYPE;
}

/** A descriptor of bpf(2), closed by its owner. */
class BpfDescriptor implements Disposable {
  readonly #libc: Libc;
  #fd: number;

  constructor(libc: Libc, operation: string, fd: number) {
    if (fd < 0) throw new KernelError(operation, libc.errno());
    this.#libc = libc;
    this.#fd = fd;
  }

  get fd(): number {
    return this.#fd;
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) this.#libc.close(this.#fd);
    this.#fd = -1;
  }
}

export type { BpfDescriptor };

/**
 * Loads an iterator program and starts it; each read(2) of the result runs the program over the next objects and returns what
 * it wrote, 0 bytes at the end. The iterator keeps its program; nothing else stays open (kernel/bpf/bpf_iter.c, Linux 5.8).
 *
 * @throws {KernelError} EPERM without CAP_BPF and CAP_PERFMON; EACCES or EINVAL when the verifier rejects the program, with
 *   the last line that it said
 */
export function openIterator(libc: Libc, program: BpfProgram): BpfDescriptor {
  using loaded = loadProgram(libc, program, BPF_TRACE_ITER);
  using link = createLink(libc, loaded.fd);
  return createIterator(libc, link.fd);
}

/**
 * Loads a tracing program and attaches it; the kernel detaches it when the descriptor is closed, also by the end of the process.
 *
 * @throws {KernelError} as {@link openIterator}
 */
export function attachProgram(libc: Libc, program: TracingProgram): BpfDescriptor {
  using loaded = loadProgram(libc, program, ATTACH_TYPE[program.at]);
  const attributes = foreignBuffer(16);
  attributes.writeUInt32LE(loaded.fd, 8); // raw_tracepoint.prog_fd
  const fd = libc.bpf(BPF_RAW_TRACEPOINT_OPEN, attributes, attributes.length);
  return new BpfDescriptor(libc, `bpf(BPF_RAW_TRACEPOINT_OPEN ${program.name})`, fd);
}

export interface BpfMap {
  /** enum bpf_map_type. */
  readonly type: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly entries: number;
  readonly flags: number;
}

/** @throws {KernelError} EPERM without CAP_BPF */
export function createMap(libc: Libc, map: BpfMap): BpfDescriptor {
  const attributes = foreignBuffer(72);
  attributes.writeUInt32LE(map.type, 0); // map_type
  attributes.writeUInt32LE(map.keyBytes, 4); // key_size
  attributes.writeUInt32LE(map.valueBytes, 8); // value_size
  attributes.writeUInt32LE(map.entries, 12); // max_entries
  attributes.writeUInt32LE(map.flags, 16); // map_flags
  const fd = libc.bpf(BPF_MAP_CREATE, attributes, attributes.length);
  return new BpfDescriptor(libc, 'bpf(BPF_MAP_CREATE)', fd);
}

function loadProgram(
  libc: Libc,
  { name, code, target }: BpfProgram,
  attachType: number,
): BpfDescriptor {
  const instructions = foreignBuffer(code.length);
  instructions.set(code);
  const license = foreignBuffer(16);
  license.write('Dual MIT/GPL');
  const attributes = foreignBuffer(152);
  attributes.writeUInt32LE(BPF_PROG_TYPE_TRACING, 0); // prog_type
  attributes.writeUInt32LE(code.length / INSTRUCTION_BYTES, 4); // insn_cnt
  attributes.writeBigUInt64LE(address(libc, instructions), 8); // insns
  attributes.writeBigUInt64LE(address(libc, license), 16); // license
  attributes.write(name.slice(0, NAME_BYTES - 1), 48, 'latin1'); // prog_name
  attributes.writeUInt32LE(attachType, 68); // expected_attach_type
  attributes.writeUInt32LE(target, 108); // attach_btf_id
  const operation = `bpf(BPF_PROG_LOAD ${name})`;
  let fd = -1;
  let errno = EAGAIN;
  // The verifier gives up with EAGAIN when a signal is pending (kernel/bpf/verifier.c, do_check()).
  for (let attempt = 0; fd < 0 && errno === EAGAIN && attempt < LOAD_ATTEMPTS; attempt++) {
    fd = libc.bpf(BPF_PROG_LOAD, attributes, attributes.length);
    if (fd < 0) errno = libc.errno();
  }
  if (fd >= 0) return new BpfDescriptor(libc, operation, fd);
  if (errno === EPERM) throw new KernelError(operation, errno);
  throw new KernelError(`${operation}: ${verifierMessage(libc, attributes)}`, errno);
}

/** Why the program was rejected: loads it again with a log. */
function verifierMessage(libc: Libc, attributes: Buffer): string {
  const log = foreignBuffer(LOG_BYTES);
  attributes.writeUInt32LE(1, 24); // log_level
  attributes.writeUInt32LE(log.length, 28); // log_size
  attributes.writeBigUInt64LE(address(libc, log), 32); // log_buf
  const fd = libc.bpf(BPF_PROG_LOAD, attributes, attributes.length);
  if (fd >= 0) libc.close(fd);
  const lines = log.toString('latin1', 0, log.indexOf(0)).trim().split('\n');
  return lines.findLast((line) => !line.startsWith('processed ')) ?? '';
}

function createLink(libc: Libc, program: number): BpfDescriptor {
  const attributes = foreignBuffer(32);
  attributes.writeUInt32LE(program, 0); // link_create.prog_fd
  attributes.writeUInt32LE(BPF_TRACE_ITER, 8); // link_create.attach_type
  const fd = libc.bpf(BPF_LINK_CREATE, attributes, attributes.length);
  return new BpfDescriptor(libc, 'bpf(BPF_LINK_CREATE)', fd);
}

function createIterator(libc: Libc, link: number): BpfDescriptor {
  const attributes = foreignBuffer(8);
  attributes.writeUInt32LE(link, 0); // iter_create.link_fd
  const fd = libc.bpf(BPF_ITER_CREATE, attributes, attributes.length);
  return new BpfDescriptor(libc, 'bpf(BPF_ITER_CREATE)', fd);
}

function address(libc: Libc, buffer: Uint8Array): bigint {
  return BigInt(libc.addressOf(buffer));
}
