import type { BtfFacts, BtfWanted } from './btf.ts';
import {
  add,
  assemble,
  call,
  exit,
  jumpIf,
  label,
  load,
  move,
  networkToHost16,
  or,
  set,
  shiftLeft,
  store,
} from './bpf-assembler.ts';

/** What the program needs to know of the running kernel. */
export const TASK_FILES_BTF = {
  offsets: [
    'bpf_iter__task_file.meta',
    'bpf_iter__task_file.task',
    'bpf_iter__task_file.fd',
    'bpf_iter__task_file.file',
    'bpf_iter_meta.seq',
    'task_struct.tgid',
    'file.f_inode',
    'inode.i_ino',
    'socket.sk',
    'sock.sk_protocol',
    'sock.__sk_common.skc_family',
    'sock.__sk_common.skc_state',
    'sock.__sk_common.skc_dport',
  ],
  functions: ['bpf_iter_task_file'],
} as const satisfies BtfWanted;

/** Words of a row: tgid, fd, inode, kernel state | remote port << 16. */
export const TASK_FILE_WORDS = 4;

const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;
/** An MPTCP socket owns TCP subflows, which report its inode; Go listens with it by default since 1.24. */
const IPPROTO_MPTCP = 262;

/** Numbers of enum bpf_func_id. */
const BPF_FUNC_seq_write = 127;
const BPF_FUNC_sock_from_file = 162;

/**
 * The program that the iterator `task_file` runs on every descriptor of every process: writes a row for each that refers to
 * a TCP socket. bpf_sock_from_file needs Linux 5.11.
 */
export function assembleTaskFiles({ offsets }: BtfFacts): Uint8Array {
  const at = (path: (typeof TASK_FILES_BTF.offsets)[number]): number => offsets[path];
  const context = 6;
  const file = 7;
  const task = 8;
  const sock = 9;
  const row = -4 * TASK_FILE_WORDS;
  return assemble([
    move(context, 1),
    load(8, file, context, at('bpf_iter__task_file.file')),
    jumpIf(file, '==', 0, 'out'), // the iterator's last call
    load(8, task, context, at('bpf_iter__task_file.task')),
    jumpIf(task, '==', 0, 'out'),

    move(1, file),
    call(BPF_FUNC_sock_from_file),
    jumpIf(0, '==', 0, 'out'), // no socket
    load(8, sock, 0, at('socket.sk')),
    jumpIf(sock, '==', 0, 'out'), // being closed
    load(2, 1, sock, at('sock.__sk_common.skc_family')),
    jumpIf(1, '==', AF_INET, 'internet'),
    jumpIf(1, '!=', AF_INET6, 'out'),
    label('internet'),
    load(2, 1, sock, at('sock.sk_protocol')),
    jumpIf(1, '==', IPPROTO_TCP, 'tcp'),
    jumpIf(1, '!=', IPPROTO_MPTCP, 'out'),
    label('tcp'),

    load(4, 1, task, at('task_struct.tgid')),
    store(4, 10, row, 1),
    load(4, 1, context, at('bpf_iter__task_file.fd')),
    store(4, 10, row + 4, 1),
    load(8, 1, file, at('file.f_inode')),
    load(8, 1, 1, at('inode.i_ino')),
    store(4, 10, row + 8, 1),
    load(2, 1, sock, at('sock.__sk_common.skc_dport')),
    networkToHost16(1),
    shiftLeft(1, 16),
    load(1, 2, sock, at('sock.__sk_common.skc_state')),
    or(1, 2),
    store(4, 10, row + 12, 1),

    load(8, 1, context, at('bpf_iter__task_file.meta')),
    load(8, 1, 1, at('bpf_iter_meta.seq')),
    move(2, 10),
    add(2, row),
    set(3, -row),
    call(BPF_FUNC_seq_write),
    label('out'),
    set(0, 0),
    exit(),
  ]);
}
