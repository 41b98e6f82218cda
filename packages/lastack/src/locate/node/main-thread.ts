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
const ROUNDS = 3;

/** libuv waits in one of these. */
const LOOP_CALLS = new Set(['epoll_wait', 'epoll_pwait', 'epoll_pwait2']);

/**
 * Looks at the main thread five times over 20 ms, and again if it was on its way into a call that may keep it; it is not stopped
 * for that.
 */
export async function lookAtMainThread(pid: number): Promise<MainThread> {
  const halt = readHalt(pid);
  if (halt !== null) return { kind: 'stuck', where: halt };
  const table = systemCallsOf(process.arch);
  for (let round = 1; ; round++) {
    const seen: string[] = [];
    let waited: number | null = null;
    for (let i = 0; i < LOOKS; i++) {
      if (i > 0 || round > 1) await pause(BETWEEN_MS);
      const text = readProcText(`/proc/${pid}/task/${pid}/syscall`);
      const now = text.kind === 'ok' ? parseSyscall(text.value, table) : null;
      if (now?.kind !== 'ok') return { kind: 'unknown' };
      seen.push(now.value.kind === 'call' ? now.value.name : now.value.kind);
      waited = now.value.kind === 'call' ? now.value.fd : null;
    }
    const last = seen[LOOKS - 1];
    const isInLoop = LOOP_CALLS.has(last);
    if (isInLoop && waited !== null && isInInnerLoop(pid, waited, table)) {
      return { kind: 'stuck', where: `${last} of a synchronous call, as execSync()` };
    }
    const judged = judgeLooks(seen);
    if (judged.kind !== 'waiting' || isInLoop || round === ROUNDS) return judged;
  }
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
