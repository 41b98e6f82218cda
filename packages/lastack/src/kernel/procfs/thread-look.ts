import { closeSync, openSync, readSync } from 'node:fs';
import { endianness } from 'node:os';
import { seen, unavailable } from '@lastack/core';
import { GONE, readProcBytes, readProcLink, readProcText, type ProcRead } from './read-proc.ts';
import { parseStat } from './stat.ts';
import { parseStatus } from './status.ts';
import { parseSyscall, type BlockedCall } from './syscall-line.ts';
import { systemCallsOf, type SystemCallTable } from './system-calls.ts';
import type { Look, ThreadTimes } from './thread-activity.ts';

const ELFCLASS32 = 1;

/** Name, state, processor time and switches of a thread: about 25 µs. */
export function readThreadTimes(task: string, atMs: number): ProcRead<ThreadTimes> {
  const line = readProcText(`${task}/stat`);
  const stat = line.kind === 'ok' ? parseStat(line.value) : line;
  if (stat.kind !== 'ok') return stat;
  const text = readProcText(`${task}/status`);
  const status = text.kind === 'ok' ? parseStatus(text.value) : text;
  const voluntarySwitches = status.kind === 'ok' ? status.value.voluntarySwitches : null;
  return seen({ atMs, stat: stat.value, voluntarySwitches });
}

/**
 * Which system call a thread is blocked in. Needs the right to ptrace-attach (kernel/ptrace.c,
 * __ptrace_may_access(): root, or the same user where Yama allows it), but attaches to nothing.
 * @param task `/proc/PID/task/TID`
 */
export function readThreadCall(task: string, table: SystemCallTable): ProcRead<Look> {
  const text = readProcText(`${task}/syscall`);
  if (text.kind === 'gone') {
    // A kernel without CONFIG_HAVE_ARCH_TRACEHOOK, or gVisor, has no such file; a thread that ended has no stat either.
    if (readProcText(`${task}/stat`).kind !== 'ok') return GONE;
    return unavailable(`this kernel has no ${task}/syscall`, 'none: this kernel cannot tell');
  }
  if (text.kind !== 'ok') return text;
  const now = parseSyscall(text.value, table);
  if (now.kind !== 'ok') return now;
  switch (now.value.kind) {
    case 'running':
      return seen({ kind: 'running' });
    case 'outside':
      return seen({ kind: 'blocked' });
    case 'call':
      return seen(withTarget(task, now.value, text.value));
    default:
      return now.value satisfies never;
  }
}

/** What a thread does, told by its state alone. */
export function readThreadState(task: string): ProcRead<Look> {
  const text = readProcText(`${task}/stat`);
  const stat = text.kind === 'ok' ? parseStat(text.value) : text;
  if (stat.kind !== 'ok') return stat;
  return seen({ kind: stat.value.state === 'R' ? 'running' : 'blocked' });
}

/** The kernel function that a thread waits in; empty when it runs or the kernel hides it. */
export function readWchan(task: string): string {
  const text = readProcText(`${task}/wchan`);
  return text.kind === 'ok' && text.value !== '0' ? text.value : '';
}

/** The system calls of a process by number. A 32-bit process has other numbers: none is known then. */
export function readSystemCallTable(process: string, architecture: string): SystemCallTable {
  const elf = readProcBytes(`${process}/exe`, 5);
  if (elf.kind === 'ok' && elf.value[4] === ELFCLASS32) return new Map();
  return systemCallsOf(architecture);
}

function withTarget(task: string, call: BlockedCall, line: string): Look {
  const fd = call.pollfd === null ? call.fd : readPolledFd(task, call.pollfd, line);
  const link = fd === null ? GONE : readProcLink(`${task}/fd/${fd}`);
  const target = link.kind === 'ok' ? link.value : null;
  return { kind: 'call', name: call.name, fd, target, childPid: call.childPid };
}

/**
 * The descriptor in a `struct pollfd { int fd; short events, revents; }` of the process's memory. The thread goes on
 * meanwhile, so the value counts only if it is still in the same call afterwards.
 */
function readPolledFd(task: string, address: number, line: string): number | null {
  let memory = -1;
  try {
    memory = openSync(`${task}/mem`, 'r');
    const bytes = Buffer.alloc(4);
    const got = readSync(memory, bytes, 0, 4, address);
    const again = readProcText(`${task}/syscall`);
    if (got !== 4 || again.kind !== 'ok' || again.value !== line) return null;
    const fd = endianness() === 'LE' ? bytes.readInt32LE() : bytes.readInt32BE();
    return fd >= 0 ? fd : null;
  } catch {
    return null;
  } finally {
    if (memory >= 0) closeSync(memory);
  }
}
