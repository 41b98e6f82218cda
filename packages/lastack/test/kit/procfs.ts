import { readdirSync, readFileSync } from 'node:fs';

/** The fields of /proc/PID/stat that the kit needs; null for a process that has gone. */
export interface ProcessStat {
  /** `R`, `S`, `Z`, … */
  readonly state: string;
  readonly parent: number;
}

/** Numbers of the system calls that the programs block in (arch/x86/entry/syscalls/syscall_64.tbl, asm-generic/unistd.h). */
const CALLS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  x64: {
    0: 'read',
    7: 'poll',
    42: 'connect',
    43: 'accept',
    44: 'sendto',
    45: 'recvfrom',
    61: 'wait4',
    202: 'futex',
    230: 'clock_nanosleep',
    232: 'epoll_wait',
    281: 'epoll_pwait',
    288: 'accept4',
  },
  arm64: {
    22: 'epoll_pwait',
    63: 'read',
    73: 'ppoll',
    98: 'futex',
    115: 'clock_nanosleep',
    202: 'accept',
    203: 'connect',
    206: 'sendto',
    207: 'recvfrom',
    242: 'accept4',
    260: 'wait4',
  },
};

export function readStat(pid: number): ProcessStat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command, in parentheses, may hold anything, parentheses included.
    const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return null;
  }
}

/**
 * The system call that a process's main thread is in, by the kernel's name; `running` when it is in none.
 * @returns null where the kernel does not tell (CONFIG_HAVE_ARCH_TRACEHOOK, permission, an unknown number)
 */
export function readCall(pid: number): string | null {
  try {
    const [number] = readFileSync(`/proc/${pid}/syscall`, 'utf8').trim().split(' ');
    return number === 'running' ? number : (CALLS[process.arch]?.[Number(number)] ?? null);
  } catch {
    return null;
  }
}

/** Every child of a process, zombies included; a zombie has no network namespace any more, so this looks at all processes. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => readStat(each)?.parent === pid);
}

export function zombiesOf(pid: number): number[] {
  return childrenOf(pid).filter((child) => readStat(child)?.state === 'Z');
}

/** RLIMIT_NOFILE, soft. */
export function descriptorLimitOf(pid: number): number {
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
}
