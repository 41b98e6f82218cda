import { printable, seen, type Observation } from '@lastack/core';
import { malformed } from './read-proc.ts';

/** Ticks of utime, stime and the timers of /proc/net/tcp: USER_HZ is 100 on every architecture that Node runs on. */
export const USER_HZ = 100;
export const MS_PER_TICK = 1000 / USER_HZ;

/** /proc/PID/stat or /proc/PID/task/TID/stat, as far as lastack reads it: proc_pid_stat(5). */
export interface TaskStat {
  readonly pid: number;
  /** The name between the parentheses; it may hold spaces and parentheses itself. */
  readonly command: string;
  /** `R`, `S`, `D`, `T`, `t`, `Z`, … */
  readonly state: string;
  readonly parentPid: number;
  /** Time in user code, ticks of 1/USER_HZ s. */
  readonly userTicks: number;
  /** Time in the kernel, ticks of 1/USER_HZ s. */
  readonly systemTicks: number;
  /** Threads of the process that have not ended. */
  readonly threads: number;
  /** When it started, ticks of 1/USER_HZ s since boot: with the pid it names a process for good. */
  readonly startTicks: number;
}

/** Parses one line of stat: fs/proc/array.c, do_task_stat(). The name ends at the last `)`. */
export function parseStat(text: string): Observation<TaskStat> {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const pid = count(text.slice(0, Math.max(0, open - 1)));
  if (open < 2 || close < open || pid === null) return malformed('stat', text);
  // After the name come fields 3 (state), 4 (ppid), 14 (utime), 15 (stime), 20 (num_threads), 22 (starttime), counted from 1.
  const fields = text.slice(close + 2).split(' ');
  const state = fields[0];
  const parentPid = count(fields[1]);
  const userTicks = count(fields[11]);
  const systemTicks = count(fields[12]);
  const threads = count(fields[17]);
  const startTicks = count(fields[19]);
  if (
    !/^[A-Za-z]$/.test(state) ||
    parentPid === null ||
    userTicks === null ||
    systemTicks === null ||
    threads === null ||
    startTicks === null
  ) {
    return malformed('stat', text);
  }
  const command = printable(text.slice(open + 1, close));
  return seen({ pid, command, state, parentPid, userTicks, systemTicks, threads, startTicks });
}

function count(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,20}$/.test(text) ? Number(text) : null;
}
