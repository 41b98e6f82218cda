// Loaded before each program of the lab: it ends when who started it ends, however that ended, also in the middle of a loop.
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

try {
  const koffi = require('koffi');
  const prctl = koffi
    .load('libc.so.6')
    .func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)');
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
} catch {
  // Without the FFI the end of standard input has to do.
  process.stdin.on('end', () => process.exit()).resume();
}
// Who started it may have ended before that.
if (process.ppid !== Number(process.env.LASTACK_LAB_PARENT)) process.exit();
