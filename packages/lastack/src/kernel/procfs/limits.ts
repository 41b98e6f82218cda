import { seen, type Observation } from '@lastack/core';
import { malformed } from './read-proc.ts';

/**
 * The soft RLIMIT_NOFILE of /proc/PID/limits, in descriptors; null when unlimited. Source: fs/proc/base.c,
 * proc_pid_limits(): name, soft limit, hard limit and unit in columns.
 */
export function parseOpenFilesLimit(text: string): Observation<number | null> {
  const line = /^Max open files +(\d{1,20}|unlimited) +(?:\d{1,20}|unlimited) +files *$/m.exec(
    text,
  );
  if (line === null) return malformed('limits', text);
  return seen(line[1] === 'unlimited' ? null : Number(line[1]));
}
