import {
  ALL_STATES_MASK,
  cookieOf,
  indexOwners,
  NO_OWNER,
  stateOf,
  type KnownSocket,
} from '@lastack/core';
import { loadLibc } from '../kernel/ffi.ts';
import { readOwners } from '../kernel/owners.ts';
import { readSockets } from './sockets.ts';

/** The sockets of all visible network namespaces by cookie, each with its first holder. What cannot be seen is absent. */
export async function readKnownSockets(): Promise<ReadonlyMap<number, KnownSocket>> {
  const known = new Map<number, KnownSocket>();
  const reading = readOwners({ libc: loadLibc() });
  const sockets = readSockets({ states: ALL_STATES_MASK, info: 'none', netns: 'all' });
  const owners = await reading;
  if (sockets.kind === 'unavailable') return known;
  const { table } = sockets.value;
  const index = owners.kind === 'ok' ? indexOwners(owners.value) : null;
  const commands = owners.kind === 'ok' ? owners.value.commands : null;
  for (let row = 0; row < table.count; row++) {
    const inode = table.inode[row];
    const owner = index === null || inode === 0 ? NO_OWNER : index.firstOwner(inode);
    const pid = owner === NO_OWNER || owners.kind !== 'ok' ? null : owners.value.pid[owner];
    known.set(cookieOf(table, row), {
      state: stateOf(table, row),
      holder: pid === null ? null : { pid, command: commands?.get(pid) ?? '' },
    });
  }
  return known;
}
