// A test process that is killed: opens a namespace as openNamespace() does, runs something in it, and waits.
// Argument: the network namespace of the test, as its link reads.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const isRoot = process.getuid() === 0;
const python = ['python3', fileURLToPath(new URL('holder.py', import.meta.url)), process.argv[2]];
const holder = start(['unshare', ...(isRoot ? [] : ['--map-root-user']), '--net', ...python]);
await once(holder.stdout, 'data');
const userns = isRoot ? [] : ['--user', '--preserve-credentials'];
start(['nsenter', `--target=${holder.pid}`, ...userns, '--net', 'sleep', '3600']);
console.log(readlinkSync(`/proc/${holder.pid}/ns/net`));

function start([command, ...args]) {
  return spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}
