// Read first: Documentation/bpf/standardization/instruction-set.rst. An instruction is 8 bytes:
// struct bpf_insn { __u8 code; __u8 dst_reg:4, src_reg:4; __s16 off; __s32 imm; };

/** r0 result, r1–r5 arguments (lost by a call), r6–r9 kept, r10 the frame's end. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
/** Bytes of a memory access. */
export type Width = 1 | 2 | 4 | 8;

/** One instruction, or a name of the place before the next. */
export type BpfStep = BpfInstruction | { readonly kind: 'label'; readonly name: string };

interface BpfInstruction {
  readonly kind: 'instruction';
  readonly code: number;
  readonly target: Register;
  readonly source: Register;
  /** A number, or the label to jump to. */
  readonly offset: number | string;
  readonly immediate: number;
}

export const INSTRUCTION_BYTES = 8;

/** BPF_B, BPF_H, BPF_W, BPF_DW. */
const SIZE: Readonly<Record<Width, number>> = { 1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18 };
const BPF_PSEUDO_MAP_FD = 1;
/** BPF_JEQ, BPF_JNE with an immediate. */
const JUMP = { '==': 0x15, '!=': 0x55 } as const;

function instruction(
  code: number,
  target: Register,
  source: Register,
  offset: number | string,
  immediate: number,
): BpfStep {
  return { kind: 'instruction', code, target, source, offset, immediate };
}

export function label(name: string): BpfStep {
  return { kind: 'label', name };
}

/** target = source (BPF_ALU64 | BPF_MOV | BPF_X). */
export function move(target: Register, source: Register): BpfStep {
  return instruction(0xbf, target, source, 0, 0);
}

/** target = value (BPF_ALU64 | BPF_MOV | BPF_K). */
export function set(target: Register, value: number): BpfStep {
  return instruction(0xb7, target, 0, 0, value);
}

/** target += value (BPF_ALU64 | BPF_ADD | BPF_K). */
export function add(target: Register, value: number): BpfStep {
  return instruction(0x07, target, 0, 0, value);
}

/** target |= source (BPF_ALU64 | BPF_OR | BPF_X). */
export function or(target: Register, source: Register): BpfStep {
  return instruction(0x4f, target, source, 0, 0);
}

/** target <<= bits (BPF_ALU64 | BPF_LSH | BPF_K). */
export function shiftLeft(target: Register, bits: number): BpfStep {
  return instruction(0x67, target, 0, 0, bits);
}

/** ntohs(target), upper bits cleared (BPF_ALU | BPF_END | BPF_TO_BE, 16). */
export function networkToHost16(target: Register): BpfStep {
  return instruction(0xdc, target, 0, 0, 16);
}

/** target = *(width *)(base + offset), zero-extended (BPF_LDX | BPF_MEM). */
export function load(width: Width, target: Register, base: Register, offset: number): BpfStep {
  return instruction(0x61 | SIZE[width], target, base, offset, 0);
}

/** *(width *)(base + offset) = source (BPF_STX | BPF_MEM). */
export function store(width: Width, base: Register, offset: number, source: Register): BpfStep {
  return instruction(0x63 | SIZE[width], base, source, offset, 0);
}

/** target = the map of a descriptor (BPF_LD | BPF_IMM | BPF_DW with BPF_PSEUDO_MAP_FD): two instructions. */
export function loadMap(target: Register, fd: number): BpfStep[] {
  return [instruction(0x18, target, BPF_PSEUDO_MAP_FD, 0, fd), instruction(0, 0, 0, 0, 0)];
}

/** *(u64 *)(base + offset) += source, in one step for all processors (BPF_STX | BPF_ATOMIC | BPF_DW, BPF_ADD). */
export function atomicAdd(base: Register, offset: number, source: Register): BpfStep {
  return instruction(0xdb, base, source, offset, 0);
}

/** Goes to the label if the register compares with the value so. */
export function jumpIf(
  register: Register,
  comparison: keyof typeof JUMP,
  value: number,
  to: string,
): BpfStep {
  return instruction(JUMP[comparison], register, 0, to, value);
}

/** r0 = helper(r1 … r5), by its number in include/uapi/linux/bpf.h. */
export function call(helper: number): BpfStep {
  return instruction(0x85, 0, 0, 0, helper);
}

/** Returns r0. */
export function exit(): BpfStep {
  return instruction(0x95, 0, 0, 0, 0);
}

/**
 * Encodes a program, little-endian, and resolves its labels.
 *
 * @throws {RangeError} for a label that is missing or doubled, and for an offset or immediate that does not fit
 */
export function assemble(steps: readonly BpfStep[]): Uint8Array<ArrayBuffer> {
  const instructions: BpfInstruction[] = [];
  const labels = new Map<string, number>();
  for (const step of steps) {
    if (step.kind === 'instruction') instructions.push(step);
    else if (labels.has(step.name)) throw new RangeError(`BPF label ${step.name} is set twice`);
    else labels.set(step.name, instructions.length);
  }
  const view = new DataView(new ArrayBuffer(instructions.length * INSTRUCTION_BYTES));
  for (const [index, { code, target, source, offset, immediate }] of instructions.entries()) {
    const at = index * INSTRUCTION_BYTES;
    view.setUint8(at, code);
    view.setUint8(at + 1, target | (source << 4));
    view.setInt16(at + 2, inRange(resolve(labels, offset, index), 16), true);
    view.setInt32(at + 4, inRange(immediate, 32), true);
  }
  return new Uint8Array(view.buffer);
}

/** A jump's offset counts from the instruction after it. */
function resolve(
  labels: ReadonlyMap<string, number>,
  offset: number | string,
  index: number,
): number {
  if (typeof offset === 'number') return offset;
  const place = labels.get(offset);
  if (place === undefined) throw new RangeError(`BPF label ${offset} is missing`);
  return place - index - 1;
}

function inRange(value: number, bits: 16 | 32): number {
  const limit = 2 ** (bits - 1);
  if (Number.isInteger(value) && value >= -limit && value < limit) return value;
  throw new RangeError(`${value} does not fit ${bits} bits of a BPF instruction`);
}
