import { setTimeout as pause } from 'node:timers/promises';
import { readProcText } from '../../kernel/procfs/read-proc.ts';
import { parseStat } from '../../kernel/procfs/stat.ts';
import { parseSyscall } from '../../kernel/procfs/syscall-line.ts';
import { systemCallsOf } from '../../kernel/procfs/system-calls.ts';
import { isInInnerLoop } from './inner-loop.ts';

/** What the thread that runs JavaScript does: waits in its event loop, computes, or is stuck where no inspector opens. */
export type MainThread =
  | { readonly kind: 'waiting' | 'busy' | 'unknown' }
  | { readonly kind: 'stuck'; readonly where: string };

const LOOKS = 5;
const BETWEEN_MS = 5;

/** libuv waits in one of these. */
const LOOP_CALLS = new Set(['epoll_wait', 'epoll_pwait', 'epoll_pwait2']);

/** Looks at the main thread five times over 20 ms; it is not stopped for that. */
export async function lookAtMainThread(pid: number): Promise<MainThread> {
  const halt = readHalt(pid);
  if (halt !== null) return { kind: 'stuck', where: halt };
  const table = systemCallsOf(process.arch);
  const seen: string[] = [];
  const loops = new Set<number | null>();
  for (let i = 0; i < LOOKS; i++) {
    if (i > 0) await pause(BETWEEN_MS);
    const text = readProcText(`/proc/${pid}/task/${pid}/syscall`);
    const now = text.kind === 'ok' ? parseSyscall(text.value, table) : null;
    if (now?.kind !== 'ok') return { kind: 'unknown' };
    seen.push(now.value.kind === 'call' ? now.value.name : now.value.kind);
    loops.add(now.value.kind === 'call' ? now.value.fd : null);
  }
  const [loop] = loops;
  if (loops.size === 1 && loop !== null && LOOP_CALLS.has(seen[0])) {
    if (isInInnerLoop(pid, loop, table)) {
      return { kind: 'stuck', where: `${seen[0]} of a synchronous call, as execSync()` };
    }
  }
  return judgeLooks(seen);
}

/** A process that is stopped or frozen would take the signal later, when nobody waits for its inspector any more. */
function readHalt(pid: number): string | null {
  const text = readProcText(`/proc/${pid}/stat`);
  const stat = text.kind === 'ok' ? parseStat(text.value) : text;
  if (stat.kind === 'ok' && /^[Tt]$/.test(stat.value.state)) return 'stopped';
  // do_freezer_trap() of cgroup v2, __refrigerator() of v1.
  const wchan = readProcText(`/proc/${pid}/wchan`);
  return wchan.kind === 'ok' && /freezer|refrigerator/.test(wchan.value) ? 'frozen' : null;
}

/** @param looks names of system calls, `running`, or `outside` for a thread that is stopped */
export function judgeLooks(looks: readonly string[]): MainThread {
  if (looks.every((look) => look === 'running')) return { kind: 'busy' };
  const [first] = looks;
  const isStuck = looks.every((look) => look === first && !LOOP_CALLS.has(look));
  return isStuck ? { kind: 'stuck', where: first } : { kind: 'waiting' };
}
