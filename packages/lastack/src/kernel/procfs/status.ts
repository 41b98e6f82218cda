import { seen, type Observation } from '@lastack/core';
import { malformed } from './read-proc.ts';

/** /proc/PID/status or /proc/PID/task/TID/status, as far as lastack reads it: proc_pid_status(5). */
export interface TaskStatus {
  /** The real user id. */
  readonly uid: number;
  /** How often the task gave up the processor to wait; null where the kernel does not count it. */
  readonly voluntarySwitches: number | null;
}

/** Parses status: fs/proc/array.c, proc_pid_status(). Newlines in `Name:` are escaped by the kernel, so lines are safe. */
export function parseStatus(text: string): Observation<TaskStatus> {
  const uid = /^Uid:\t(\d{1,10})\t/m.exec(text);
  const switches = /^voluntary_ctxt_switches:\t(\d{1,20})$/m.exec(text);
  if (uid === null) return malformed('status', text);
  const voluntarySwitches = switches === null ? null : Number(switches[1]);
  return seen({ uid: Number(uid[1]), voluntarySwitches });
}
