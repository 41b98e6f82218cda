import { seen, type Observation } from '@lastack/core';
import { malformed } from './read-proc.ts';
import type { SystemCallTable } from './system-calls.ts';

/** What /proc/PID/task/TID/syscall says of a thread: proc_pid_syscall(5). */
export type SyscallNow =
  /** Runnable: on a processor or waiting for one, inside or outside a call. */
  | { readonly kind: 'running' }
  /** Blocked, but not by a call of its own: a page fault, a stop, the end. */
  | { readonly kind: 'outside' }
  | BlockedCall;

/** A thread that is blocked in a system call. */
export interface BlockedCall {
  readonly kind: 'call';
  /** Kernel name, `syscall_317` for one that is not in the table. */
  readonly name: string;
  readonly fd: number | null;
  readonly childPid: number | null;
  /** Address of the only `struct pollfd`, in the process, of a poll or ppoll with one descriptor. */
  readonly pollfd: number | null;
}

/** idtype_t of waitid(2). */
const P_PID = 1;
const P_PIDFD = 3;

/**
 * Parses the line: `running`, `-1 SP PC`, or the call's number, six arguments, SP and PC (fs/proc/base.c,
 * proc_pid_syscall()). A thread that runs is never stopped to look at it: the kernel says `running` and nothing more.
 */
export function parseSyscall(text: string, table: SystemCallTable): Observation<SyscallNow> {
  const line = text.trimEnd();
  if (line === 'running') return seen({ kind: 'running' });
  if (!/^-?\d{1,10}(?: 0x[\da-f]{1,16}){2,8}$/.test(line)) return malformed('syscall', text);
  const [first, ...words] = line.split(' ');
  const number = Number(first);
  if (number < 0) return seen({ kind: 'outside' });
  if (words.length !== 8) return malformed('syscall', text);
  const call = table.get(number);
  if (call === undefined) {
    const name = `syscall_${number}`;
    return seen({ kind: 'call', name, fd: null, childPid: null, pollfd: null });
  }
  return seen({
    kind: 'call',
    name: call.name,
    fd: fdOf(call.name, call.fdArgument, words),
    childPid: childOf(call.name, words),
    pollfd: pollfdOf(call.name, words),
  });
}

function fdOf(name: string, argument: number, words: readonly string[]): number | null {
  if (name === 'waitid' && int32(words[0]) === P_PIDFD) return natural(int32(words[1]));
  return argument < 0 ? null : natural(int32(words[argument]));
}

function childOf(name: string, words: readonly string[]): number | null {
  if (name === 'wait4') return positive(int32(words[0]));
  if (name === 'waitid' && int32(words[0]) === P_PID) return positive(int32(words[1]));
  return null;
}

function pollfdOf(name: string, words: readonly string[]): number | null {
  if ((name !== 'poll' && name !== 'ppoll') || int32(words[1]) !== 1) return null;
  const address = Number(words[0]);
  return Number.isSafeInteger(address) && address > 0 ? address : null;
}

/** An argument as the C `int` that it is: the upper half of the register is undefined. */
function int32(word: string): number {
  return Number.parseInt(word.slice(2).slice(-8), 16) | 0;
}

function natural(value: number): number | null {
  return value >= 0 ? value : null;
}

function positive(value: number): number | null {
  return value > 0 ? value : null;
}
