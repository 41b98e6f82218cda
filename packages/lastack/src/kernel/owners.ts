import { seen, unavailable, type Observation, type OwnerTable } from '@lastack/core';
import { readCommands } from './commands.ts';
import type { Libc } from './ffi.ts';
import { KernelError } from './kernel-error.ts';
import { ownersOfPids, type OwnerColumns } from './owner-columns.ts';
import { startTaskFiles, type TaskFiles } from './task-files.ts';

export interface ReadOwnersOptions {
  /** What `loadLibc()` gave; without it the links are read by node:fs. */
  readonly libc: Observation<Libc>;
  /** Only the descriptors of these processes; null for those of all. */
  readonly pids?: ReadonlySet<number> | null;
  /** `readlink` leaves BPF out. */
  readonly method?: 'best' | 'readlink';
  /** `/proc`. */
  readonly proc?: string;
}

/**
 * Who holds which socket: by BPF where that is allowed, else by the links in /proc, which take ten times as long. The kernel
 * works on the BPF way in a pool thread: dump the sockets before awaiting the promise. It rejects for defects only.
 *
 * @example
 *   const owners = readOwners({ libc });
 *   const sockets = readSockets(libc);
 *   show(sockets, await owners);
 */
export async function readOwners({
  libc,
  pids = null,
  method = 'best',
  proc = '/proc',
}: ReadOwnersOptions): Promise<Observation<OwnerTable>> {
  const files = method === 'best' ? startByBpf(libc) : 'BPF was not asked for';
  if (typeof files === 'string') return readByLinks(libc, proc, pids, files);
  let all: OwnerColumns;
  try {
    all = await files.read();
  } catch (error) {
    if (error instanceof KernelError) return readByLinks(libc, proc, pids, error.message);
    throw error;
  }
  const owners = pids === null ? all : ownersOfPids(all, pids);
  return seen(complete(proc, owners, { method: 'bpf', methodReason: null, unreadable: [] }));
}

/** The started iterator, or why BPF cannot be used. */
function startByBpf(libc: Observation<Libc>): TaskFiles | string {
  if (libc.kind === 'unavailable') return `${libc.reason} (${libc.remedy})`;
  const files = startTaskFiles(libc.value);
  return files.kind === 'ok' ? files.value : `${files.reason} (${files.remedy})`;
}

async function readByLinks(
  libc: Observation<Libc>,
  proc: string,
  pids: ReadonlySet<number> | null,
  methodReason: string,
): Promise<Observation<OwnerTable>> {
  try {
    const { readFdLinks } = await import('./fd-links.ts');
    const links = await readFdLinks(libc.kind === 'ok' ? libc.value : null, { proc, pids });
    const { owners, unreadable } = links;
    return seen(complete(proc, owners, { method: 'readlink', methodReason, unreadable }));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    return unavailable(`cannot read ${proc}: ${String(error.code)}`, `mount procfs at ${proc}`);
  }
}

function complete(
  proc: string,
  { count, pid, fd, inode, tcp }: OwnerColumns,
  how: Pick<OwnerTable, 'method' | 'methodReason' | 'unreadable'>,
): OwnerTable {
  return {
    count,
    pid: pid.subarray(0, count),
    fd: fd.subarray(0, count),
    inode: inode.subarray(0, count),
    tcp: tcp?.subarray(0, count) ?? null,
    commands: readCommands(proc, pid.subarray(0, count)),
    ...how,
  };
}
