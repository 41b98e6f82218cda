// For each line on stdin reads the kernel's sockets once, in this warmed process, and prints `MILLISECONDS ROWS`. The line says
// how much of the way is gone: `dump` (the request to the kernel, into columns), `read` (all that `ls` does up to the table),
// `owners` (who holds them; prints how many of the host's TCP descriptors it saw).
import { createInterface } from 'node:readline';
import { SocketTableBuilder } from '@lastack/core';
import { readSockets } from '../packages/lastack/src/gather/sockets.ts';
import { loadLibc } from '../packages/lastack/src/kernel/ffi.ts';
import { SockDiag } from '../packages/lastack/src/kernel/netlink/sock-diag.ts';
import { readOwners } from '../packages/lastack/src/kernel/owners.ts';

const GROWTH = 1.02;
/** Which states to ask for, as of native/floor.c. */
const states = Number.parseInt(process.argv[2], 16);
let expected = 1024;

function dump() {
  const table = new SocketTableBuilder(expected, false);
  using diag = new SockDiag(valueOf(loadLibc()));
  diag.dump({ states }, 0, table);
  expected = Math.ceil(table.count * GROWTH);
  return table.count;
}

const READERS = {
  dump,
  read: () => valueOf(readSockets({ states, info: 'closing', netns: 'own' })).table.count,
  owners: async () => valueOf(await readOwners({ libc: loadLibc() })).count,
};

function valueOf(observation) {
  if (observation.kind === 'ok') return observation.value;
  throw new Error(`${observation.reason} (${observation.remedy})`);
}

async function run() {
  for await (const line of createInterface({ input: process.stdin })) {
    const begin = performance.now();
    const rows = await READERS[line]();
    process.stdout.write(`${(performance.now() - begin).toFixed(3)} ${rows}\n`);
  }
}

void run();
