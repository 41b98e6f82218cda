import type { HostTerm, PortTerm, Term } from './ast.ts';
import type { NormalForm } from './normal-form.ts';

// Programs for inet_diag_bc_run() in net/ipv4/inet_diag.c. Each operation has two offsets, counted from itself. `yes` must be
// the operation's own length: the verifier, inet_diag_bc_audit(), walks by it. `no` may lead to any later operation, to the
// end (the socket matches) or four bytes beyond it (it does not). So a true condition falls through to what follows it.
const INET_DIAG_BC_JMP = 1;
const INET_DIAG_BC_S_GE = 2;
const INET_DIAG_BC_S_LE = 3;
const INET_DIAG_BC_D_GE = 4;
const INET_DIAG_BC_D_LE = 5;
const INET_DIAG_BC_AUTO = 6;
const INET_DIAG_BC_S_COND = 7;
const INET_DIAG_BC_D_COND = 8;
const INET_DIAG_BC_DEV_COND = 9;
const INET_DIAG_BC_MARK_COND = 10;
const INET_DIAG_BC_CGROUP_COND = 13;

const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;
const REJECT_BEYOND_END = 4;

type Bytes = Uint8Array<ArrayBuffer>;

interface Operation {
  readonly code: number;
  /** What follows the four bytes of `struct inet_diag_bc_op`. */
  readonly data: Bytes;
  readonly no: Label;
}

/** A place in the program, known once it is placed. */
interface Label {
  offset: number;
}

interface Program {
  readonly operations: Operation[];
  length: number;
}

/** The bytecode for conditions of the kernel that must all hold. */
export function assemble(conditions: readonly NormalForm[]): Uint8Array {
  const program: Program = { operations: [], length: 0 };
  const reject: Label = { offset: 0 };
  for (const condition of conditions) emit(program, condition, reject);
  reject.offset = program.length + REJECT_BEYOND_END;
  return encode(program);
}

/** Appends code that falls through when the form is true and goes to `ifFalse` when it is not. */
function emit(program: Program, form: NormalForm, ifFalse: Label): void {
  if (form.kind === 'and') {
    for (const operand of form.operands) emit(program, operand, ifFalse);
  } else if (form.kind === 'or') {
    emitAnyOf(program, form.operands, ifFalse);
  } else if (form.kind === 'not') {
    negate(program, ifFalse, (ifTrue) => emitTerm(program, form.operand, ifTrue));
  } else {
    emitTerm(program, form, ifFalse);
  }
}

function emitAnyOf(program: Program, operands: readonly NormalForm[], ifFalse: Label): void {
  const ifTrue: Label = { offset: 0 };
  for (const [i, operand] of operands.entries()) {
    if (i === operands.length - 1) {
      emit(program, operand, ifFalse);
    } else {
      const next: Label = { offset: 0 };
      emit(program, operand, next);
      append(program, INET_DIAG_BC_JMP, ifTrue);
      place(program, next);
    }
  }
  place(program, ifTrue);
}

function emitTerm(program: Program, term: Term, ifFalse: Label): void {
  switch (term.kind) {
    case 'host':
      emitHost(program, term, ifFalse);
      return;
    case 'port':
      emitPort(program, term, ifFalse);
      return;
    case 'device':
      append(program, INET_DIAG_BC_DEV_COND, ifFalse, bytesOf(Uint32Array.of(term.ifindex)));
      return;
    case 'mark':
      append(
        program,
        INET_DIAG_BC_MARK_COND,
        ifFalse,
        bytesOf(Uint32Array.of(term.mark, term.mask)),
      );
      return;
    case 'cgroup':
      append(program, INET_DIAG_BC_CGROUP_COND, ifFalse, bytesOf(BigUint64Array.of(term.id)));
      return;
    case 'autobound':
      append(program, INET_DIAG_BC_AUTO, ifFalse);
      return;
    case 'state':
    case 'age':
    case 'number':
    case 'pid':
    case 'command':
      throw new TypeError(`INET_DIAG_BC has no operation for ${term.kind}`);
    default:
      term satisfies never;
  }
}

/** The kernel tests `>=` and `<=`; `<` and `>` are their opposites. */
function emitPort(program: Program, term: PortTerm, ifFalse: Label): void {
  const [atLeast, atMost] =
    term.side === 'local'
      ? [INET_DIAG_BC_S_GE, INET_DIAG_BC_S_LE]
      : [INET_DIAG_BC_D_GE, INET_DIAG_BC_D_LE];
  // The port is in the `no` of a second `struct inet_diag_bc_op`.
  const bound = bytesOf(Uint16Array.of(0, term.port));
  switch (term.operator) {
    case '>=':
      append(program, atLeast, ifFalse, bound);
      return;
    case '<=':
      append(program, atMost, ifFalse, bound);
      return;
    case '>':
      negate(program, ifFalse, (ifTrue) => append(program, atMost, ifTrue, bound));
      return;
    case '<':
      negate(program, ifFalse, (ifTrue) => append(program, atLeast, ifTrue, bound));
      return;
    default:
      term.operator satisfies never;
  }
}

function emitHost(program: Program, term: HostTerm, ifFalse: Label): void {
  const code = term.side === 'local' ? INET_DIAG_BC_S_COND : INET_DIAG_BC_D_COND;
  const anyIpv6 = hostCondition(AF_INET6, null, 0, new Uint8Array(16));
  if (term.family === 'inet') {
    // AF_INET takes IPv4-mapped addresses too: only the opposite of AF_INET6 leaves them out.
    negate(program, ifFalse, (ifTrue) => append(program, code, ifTrue, anyIpv6));
  } else if (term.family === 'inet6') {
    append(program, code, ifFalse, anyIpv6);
  }
  const { address, prefix, port } = term;
  // INET_DIAG_BC_S_EQ would do for a port alone, but kernels before 5.0 lack it.
  const condition =
    address === null
      ? hostCondition(AF_UNSPEC, port, 0, new Uint8Array())
      : hostCondition(address.length === 4 ? AF_INET : AF_INET6, port, prefix, address);
  append(program, code, ifFalse, condition);
}

/** `struct inet_diag_hostcond { __u8 family; __u8 prefix_len; int port; __be32 addr[]; }`; port -1 stands for any. */
function hostCondition(
  family: number,
  port: number | null,
  prefix: number,
  address: Uint8Array,
): Bytes {
  return Uint8Array.of(family, prefix, 0, 0, ...bytesOf(Int32Array.of(port ?? -1)), ...address);
}

/** Code for the opposite of what `emitInner` emits, which must go to its label when false. */
function negate(program: Program, ifFalse: Label, emitInner: (ifTrue: Label) => void): void {
  const ifTrue: Label = { offset: 0 };
  emitInner(ifTrue);
  append(program, INET_DIAG_BC_JMP, ifFalse);
  place(program, ifTrue);
}

function append(program: Program, code: number, no: Label, data: Bytes = new Uint8Array()): void {
  program.operations.push({ code, data, no });
  program.length += 4 + data.length;
}

function place(program: Program, label: Label): void {
  label.offset = program.length;
}

/** `struct inet_diag_bc_op { unsigned char code, yes; unsigned short no; }` and its data, for each operation. */
function encode(program: Program): Uint8Array {
  const bytes = new Uint8Array(program.length);
  let offset = 0;
  for (const { code, data, no } of program.operations) {
    const length = 4 + data.length;
    bytes.set([code, length, ...bytesOf(Uint16Array.of(no.offset - offset)), ...data], offset);
    offset += length;
  }
  return bytes;
}

/** In the byte order of this machine, which is the kernel's. */
function bytesOf(
  numbers:
    | Uint16Array<ArrayBuffer>
    | Int32Array<ArrayBuffer>
    | Uint32Array<ArrayBuffer>
    | BigUint64Array<ArrayBuffer>,
): Bytes {
  return new Uint8Array(numbers.buffer);
}
