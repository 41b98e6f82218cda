import {
  AF_INET6,
  ALL_STATES_MASK,
  cookieOf,
  familyOf,
  indexOwners,
  localPortOf,
  stateOf,
  type KnownSocket,
  type ListenPlace,
  type Observation,
  type OwnerTable,
  type SocketTable,
  type TracedProcess,
} from '@lastack/core';
import { loadLibc } from '../kernel/ffi.ts';
import { readOwners } from '../kernel/owners.ts';
import { readSockets } from './sockets.ts';

/** The sockets of all visible network namespaces by cookie, each with its holder. What cannot be seen is absent. */
export async function readKnownSockets(): Promise<ReadonlyMap<number, KnownSocket>> {
  const known = new Map<number, KnownSocket>();
  const reading = readOwners({ libc: loadLibc() });
  const sockets = readSockets({ states: ALL_STATES_MASK, info: 'none', netns: 'all' });
  const owners = await reading;
  if (sockets.kind === 'unavailable') return known;
  const { table } = sockets.value;
  const holderOf = soleHolders(owners);
  for (let row = 0; row < table.count; row++) {
    const state = stateOf(table, row);
    known.set(cookieOf(table, row), {
      state,
      holder: holderOf(table.inode[row]),
      listensAt: state === 'LISTEN' ? placeOf(table, row) : null,
    });
  }
  return known;
}

/** The process that has the socket of an inode; null where none has, or several have. */
function soleHolders(owners: Observation<OwnerTable>): (inode: number) => TracedProcess | null {
  if (owners.kind === 'unavailable') return () => null;
  const index = indexOwners(owners.value);
  const { pid: pids, commands } = owners.value;
  const processes = new Map<number, TracedProcess>();
  return (inode) => {
    let only: number | null = null;
    for (const row of inode === 0 ? [] : index.ownersOf(inode)) {
      if (only !== null && pids[row] !== only) return null;
      only = pids[row];
    }
    if (only === null) return null;
    const process = processes.get(only) ?? { pid: only, command: commands.get(only) ?? '' };
    processes.set(only, process);
    return process;
  };
}

function placeOf(table: SocketTable, row: number): ListenPlace {
  const family = familyOf(table, row);
  const at = table.source[row] * 8;
  return {
    atMs: 0,
    netns: table.netns[row],
    localPort: localPortOf(table, row),
    family,
    addresses:
      family === AF_INET6 ? table.addresses6.slice(at, at + 8) : Uint32Array.of(table.source[row]),
    at: 0,
  };
}
