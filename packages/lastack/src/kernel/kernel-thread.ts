import { readFileSync } from 'node:fs';

/** PF_KTHREAD (include/linux/sched.h). */
const PF_KTHREAD = 0x00200000;

/**
 * Whether a process is a thread of the kernel, by its flags in /proc/PID/stat: it has no descriptors and no namespaces of its
 * own. Everybody may read stat, so that those do not count as processes that could not be read.
 *
 * @param folder `/proc/PID`
 */
export function isKernelThread(folder: string): boolean {
  try {
    const stat = readFileSync(`${folder}/stat`, 'latin1');
    const flags = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[6];
    return (Number(flags) & PF_KTHREAD) !== 0;
  } catch {
    return false;
  }
}
