// A test process that is killed: opens a namespace as openNamespace() does, runs something in it, and waits.
// Argument: the network namespace of the test, as its link reads.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const holder = spawn(
  'unshare',
  [
    ...(process.getuid() === 0 ? [] : ['--map-root-user']),
    '--net',
    'python3',
    fileURLToPath(new URL('holder.py', import.meta.url)),
    process.argv[2],
  ],
  { stdio: ['pipe', 'pipe', 'inherit'] },
);
await once(holder.stdout, 'data');
const entry = process.getuid() === 0 ? [] : ['--user', '--preserve-credentials'];
spawn('nsenter', [`--target=${holder.pid}`, ...entry, '--net', 'sleep', '3600'], {
  stdio: 'ignore',
});
console.log(readlinkSync(`/proc/${holder.pid}/ns/net`));
