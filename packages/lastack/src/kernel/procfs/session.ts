import { listProcNumbers, readProcText } from './read-proc.ts';

/**
 * The living processes of a session (setsid(2)), which a session's first process has made by forking: whoever leaves it,
 * does so on purpose, as daemons do. About 8 µs a process of the host.
 * @param root `/proc`
 * @param leader the session's id, which is the pid of its first process
 */
export function readSession(root: string, leader: number): number[] {
  const pids = listProcNumbers(root);
  if (pids.kind !== 'ok') return [];
  return pids.value.filter((pid) => {
    const text = readProcText(`${root}/${pid}/stat`);
    return text.kind === 'ok' && isInSession(text.value, leader);
  });
}

/** Whether a line of /proc/PID/stat is that of a living process of the session: proc_pid_stat(5). */
export function isInSession(stat: string, leader: number): boolean {
  // The name, in parentheses, may hold anything. Behind it: state, ppid, pgrp, session.
  const [state, , , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(session) === leader && state !== 'Z' && state !== 'X';
}
