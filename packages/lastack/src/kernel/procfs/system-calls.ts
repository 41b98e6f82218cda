/** A system call, and which of its arguments is the descriptor that it waits on. */
export interface SystemCall {
  readonly name: string;
  /** Index of the argument; -1 for none. Of splice and sendfile, which have two, the first. */
  readonly fdArgument: number;
}

export type SystemCallTable = ReadonlyMap<number, SystemCall>;

/**
 * System calls by number for a 64-bit process of an architecture; empty for one without a table here: its calls then go by
 * their number.
 * @param architecture as `process.arch` names it
 */
export function systemCallsOf(architecture: string): SystemCallTable {
  const column = { x64: 1, arm64: 2 }[architecture];
  const table = new Map<number, SystemCall>();
  if (column === undefined) return table;
  for (const row of SYSTEM_CALLS) {
    const number = Number(row[column]);
    if (number >= 0) table.set(number, { name: row[0], fdArgument: row[3] });
  }
  return table;
}

type Row = readonly [name: string, x64: number, arm64: number, fdArgument: number];

/**
 * The system calls that can block. The numbers are a frozen part of the kernel's interface: x64 from asm/unistd_64.h, arm64
 * from asm-generic/unistd.h; -1 where the architecture lacks the call.
 */
export const SYSTEM_CALLS: readonly Row[] = [
  ['read', 0, 63, 0],
  ['write', 1, 64, 0],
  ['readv', 19, 65, 0],
  ['writev', 20, 66, 0],
  ['pread64', 17, 67, 0],
  ['pwrite64', 18, 68, 0],
  ['preadv', 295, 69, 0],
  ['pwritev', 296, 70, 0],
  ['preadv2', 327, 286, 0],
  ['pwritev2', 328, 287, 0],
  ['recvfrom', 45, 207, 0],
  ['recvmsg', 47, 212, 0],
  ['recvmmsg', 299, 243, 0],
  ['sendto', 44, 206, 0],
  ['sendmsg', 46, 211, 0],
  ['sendmmsg', 307, 269, 0],
  ['accept', 43, 202, 0],
  ['accept4', 288, 242, 0],
  ['connect', 42, 203, 0],
  ['sendfile', 40, 71, 0],
  ['splice', 275, 76, 0],
  ['tee', 276, 77, 0],
  ['vmsplice', 278, 75, 0],
  ['copy_file_range', 326, 285, 0],
  ['epoll_wait', 232, -1, 0],
  ['epoll_pwait', 281, 22, 0],
  ['epoll_pwait2', 441, 441, 0],
  ['io_uring_enter', 426, 426, 0],
  ['ioctl', 16, 29, 0],
  ['fcntl', 72, 25, 0],
  ['flock', 73, 32, 0],
  ['fsync', 74, 82, 0],
  ['fdatasync', 75, 83, 0],
  ['sync_file_range', 277, 84, 0],
  ['close', 3, 57, 0],
  ['shutdown', 48, 210, 0],
  ['getdents64', 217, 61, 0],
  ['mq_timedsend', 242, 182, 0],
  ['mq_timedreceive', 243, 183, 0],
  ['poll', 7, -1, -1],
  ['ppoll', 271, 73, -1],
  ['select', 23, -1, -1],
  ['pselect6', 270, 72, -1],
  ['futex', 202, 98, -1],
  ['futex_waitv', 449, 449, -1],
  ['futex_wait', 455, 455, -1],
  ['nanosleep', 35, 101, -1],
  ['clock_nanosleep', 230, 115, -1],
  ['pause', 34, -1, -1],
  ['rt_sigtimedwait', 128, 137, -1],
  ['rt_sigsuspend', 130, 133, -1],
  ['restart_syscall', 219, 128, -1],
  ['sched_yield', 24, 124, -1],
  ['wait4', 61, 260, -1],
  ['waitid', 247, 95, -1],
  ['vfork', 58, -1, -1],
  ['clone', 56, 220, -1],
  ['clone3', 435, 435, -1],
  ['execve', 59, 221, -1],
  ['io_getevents', 208, 4, -1],
  ['io_pgetevents', 333, 292, -1],
  ['msgrcv', 70, 188, -1],
  ['msgsnd', 69, 189, -1],
  ['semop', 65, 193, -1],
  ['semtimedop', 220, 192, -1],
  ['sync', 162, 81, -1],
  ['open', 2, -1, -1],
  ['openat', 257, 56, -1],
  ['openat2', 437, 437, -1],
  ['mmap', 9, 222, -1],
  ['munmap', 11, 215, -1],
];
