// Preloaded into every lastack that the tests run: what it opened and did not close when it ends, it leaked.
'use strict';
const { readdirSync, readlinkSync, writeSync } = require('node:fs');

/** Sockets (netlink's too), BPF programs and links, namespaces; not what Node itself keeps open. */
const OURS = /^(socket:|anon_inode:bpf|net:|\/proc\/)/;

function descriptors() {
  const open = new Map();
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      open.set(fd, readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      // The folder's own descriptor is closed by now.
    }
  }
  return open;
}

const before = descriptors();

process.on('exit', () => {
  const leaked = [...descriptors()].filter(
    ([fd, target]) => OURS.test(target) && before.get(fd) !== target,
  );
  if (leaked.length === 0) return;
  writeSync(2, `leaked: ${leaked.map((each) => each.join(' -> ')).join(', ')}\n`);
  process.exitCode = 99;
});
